import errno
import json
import os
from pathlib import Path

import pytest

from darkroom.batch import manifest as module
from darkroom.batch.manifest import (
    Manifest,
    manifest_name,
    read_manifest,
    read_records,
)
from darkroom.errors import FailureCode, FileProblem

HEADER = {"v": 1, "kind": "run"}


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_manifest_without_lines_leaves_nothing(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, HEADER)
    manifest.sync()
    manifest.close()
    assert list(tmp_path.iterdir()) == []


def test_every_line_is_on_disk_when_it_was_appended(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, HEADER)
    manifest.append({"v": 1, "n": 1})
    assert lines_of(manifest.path) == [HEADER, {"v": 1, "n": 1}]
    manifest.append({"v": 1, "n": 2})
    manifest.close()
    assert len(lines_of(manifest.path)) == 3
    assert manifest.path.parent == tmp_path / ".darkroom"
    assert manifest.path.name == manifest_name()


def test_records_of_all_processes_are_read_together(tmp_path: Path) -> None:
    folder = tmp_path / ".darkroom"
    folder.mkdir()
    for name in ("manifest-a-1.jsonl", "manifest-b-2.jsonl"):
        (folder / name).write_text(json.dumps({"v": 1, "from": name}))
    (folder / "other.jsonl").write_text('{"v": 1}\n')
    assert [record["from"] for record in read_records(tmp_path)] == [
        "manifest-a-1.jsonl",
        "manifest-b-2.jsonl",
    ]


@pytest.mark.parametrize(
    "garbage",
    [
        b'{"v": 1, "torn": ',
        b"\xff\xfe\x00\n",
        b"[1, 2]\n",
        b'{"v": 99}\n',
        b"[" * 100_000 + b"\n",
        b"\n",
    ],
)
def test_lines_that_are_not_ours_are_passed_over(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "manifest-a-1.jsonl"
    path.write_bytes(b'{"v": 1, "n": 1}\n' + garbage)
    assert list(read_manifest(path)) == [{"v": 1, "n": 1}]


def test_a_manifest_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert list(read_manifest(tmp_path / "none")) == []
    assert list(read_records(tmp_path / "none")) == []


def test_a_line_after_a_torn_one_stands_alone(tmp_path: Path) -> None:
    first = Manifest(tmp_path, HEADER)
    first.append({"v": 1, "n": 1})
    first.close()
    with first.path.open("ab") as file:
        file.write(b'{"v": 1, "n": 2')
    second = Manifest(tmp_path, HEADER)
    second.append({"v": 1, "n": 3})
    second.close()
    assert [record.get("n") for record in read_manifest(first.path)] == [None, 1, None, 3]


def test_a_full_disk_is_told_and_what_it_tore_harms_no_later_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, write = Manifest(tmp_path, HEADER), os.write
    manifest.append({"v": 1, "n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda file, content: write(file, content[:5]))
        with pytest.raises(FileProblem) as problem:
            manifest.append({"v": 1, "n": 2})
    assert problem.value.code is FailureCode.WRITE_SPACE
    manifest.append({"v": 1, "n": 3})
    manifest.close()
    assert [record.get("n") for record in read_manifest(manifest.path)] == [None, 1, 3]


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EIO, FailureCode.WRITE_SPACE), (errno.EROFS, FailureCode.WRITE_DENIED)],
)
def test_errors_of_the_disk_are_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: FailureCode
) -> None:
    def broken(*args: object) -> int:
        raise OSError(number, os.strerror(number))

    manifest = Manifest(tmp_path, HEADER)
    monkeypatch.setattr(module.os, "open", broken)
    with pytest.raises(FileProblem) as problem:
        manifest.append({"v": 1})
    assert problem.value.code is code


def test_lines_reach_the_disk_in_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(module.os, "fsync", synced.append)
    manifest = Manifest(tmp_path, HEADER)
    for n in range(module.SYNC_LINES + 1):
        manifest.append({"v": 1, "n": n})
    assert len(synced) == 1
    manifest.close()
    assert len(synced) == 2


def test_a_link_in_place_of_the_manifest_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".darkroom").mkdir()
    (tmp_path / ".darkroom" / manifest_name()).symlink_to(victim)
    with pytest.raises(FileProblem):
        Manifest(tmp_path, HEADER).append({"v": 1})
    assert victim.read_text() == "mine"


def test_endless_lines_do_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", 40)
    path = tmp_path / "manifest-a-1.jsonl"
    path.write_bytes(b"x" * 1000 + b'\n{"v": 1, "n": 1}\n')
    assert list(read_manifest(path)) == [{"v": 1, "n": 1}]
