import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def manifest(folder: Path, **changes: object) -> Path:
    """Write the manifest of a run in which a.ARW failed."""
    header = {
        "v": 1,
        "kind": "run",
        "run": "r1",
        "options": {"ratio": "50", "device": "cpu"},
        "cwd": str(folder),
    } | changes
    failed = {"v": 1, "run": "r1", "in": "a.ARW", "out": "out/a.ARW.tif", "below": "a.ARW"}
    path = folder / "out" / ".darkroom" / "manifest-x-1.jsonl"
    path.parent.mkdir(parents=True)
    lines = [header, failed | {"status": "failed"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_dry_run_tells_what_would_be_done_again(darkroom: Run, tmp_path: Path) -> None:
    (tmp_path / "a.ARW").touch()
    ended = darkroom("retry", manifest(tmp_path), "-n")
    assert ended.code == 0
    assert "a.ARW -> out/a.ARW.tif" in ended.err


def test_the_work_starts_from_the_folder_of_the_first_run(
    darkroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.ARW").touch()
    path = manifest(tmp_path)
    monkeypatch.chdir("/")
    ended = darkroom("retry", path, "--json")
    assert ended.code == 1
    (record,) = map(json.loads, ended.out.splitlines())
    assert (record["in"], record["code"]) == ("a.ARW", "E_EMPTY")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cwd": "/no/such/folder"}, "/no/such/folder"),
        ({"options": {"sepia": True}}, "another version"),
        ({"options": {"ratio": 7}}, "ratio"),
        ({"command": "simulate"}, "darkroom simulate"),
        ({"command": ["enhance"]}, "cannot be repeated"),
        ({"command": "colorize"}, "another version"),
    ],
)
def test_a_run_that_cannot_be_repeated_is_wrong_use(
    darkroom: Run, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    ended = darkroom("retry", manifest(tmp_path, **changes))
    assert ended.code == 2
    assert words in ended.err


def test_what_is_no_manifest_is_wrong_use(darkroom: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert darkroom("retry", tmp_path / "notes.txt").code == 2
    assert darkroom("retry", tmp_path / "none").code == 2
