"""Several processes that give their files one name at the same time."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from darkroom.errors import FailureCode

# Waits for the starting shot, then writes 3 MB of its own letter or of everyone's.
RACER = """
import sys, time
from pathlib import Path
from darkroom.errors import FileProblem
from darkroom.publish import publish
folder, letter = Path(sys.argv[1]), sys.argv[2].encode()
(folder / f"ready {sys.argv[3]}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
def write(file):
    for _ in range(30):
        file.write(letter * 100_000)
try:
    publish(folder / "out" / "a.tif", write, overwrite=sys.argv[4] == "True")
except FileProblem as problem:
    sys.exit(str(problem.code))
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def race(folder: Path, letters: str, *, overwrite: bool) -> list[str]:
    """Let processes publish one name at once; return what each ended with, "" for success."""
    (folder / "out").mkdir()
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder), letter, str(lane), str(overwrite)],
            stderr=subprocess.PIPE,
            text=True,
        )
        for lane, letter in enumerate(letters)
    ]
    deadline = time.monotonic() + 60
    while len([*folder.glob("ready*")]) < len(racers) and time.monotonic() < deadline:
        time.sleep(0.01)
    (folder / "go").touch()
    return [racer.communicate()[1].strip() for racer in racers]


@pytest.mark.slow
def test_eight_writers_of_the_same_bytes_all_succeed(tmp_path: Path) -> None:
    assert race(tmp_path, "a" * 8, overwrite=False) == [""] * 8
    assert names(tmp_path / "out") == ["a.tif"]
    assert (tmp_path / "out" / "a.tif").read_bytes() == b"a" * 3_000_000


@pytest.mark.slow
def test_of_eight_writers_of_different_bytes_one_wins(tmp_path: Path) -> None:
    ends = race(tmp_path, "abcdefgh", overwrite=False)
    assert sorted(ends) == ["", *[str(FailureCode.COLLISION)] * 7]
    winner = "abcdefgh"[ends.index("")].encode()
    assert names(tmp_path / "out") == ["a.tif"]
    assert (tmp_path / "out" / "a.tif").read_bytes() == winner * 3_000_000


@pytest.mark.slow
def test_eight_writers_that_replace_leave_one_complete_file(tmp_path: Path) -> None:
    assert race(tmp_path, "abcdefgh", overwrite=True) == [""] * 8
    content = (tmp_path / "out" / "a.tif").read_bytes()
    assert names(tmp_path / "out") == ["a.tif"]
    assert content == content[:1] * 3_000_000
