import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from darkroom import part_names
from darkroom.part_names import LONGEST_NAME, PATTERN, is_gone, part_name, sweep, this_host

DAY = 24 * 3600


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is over."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def left(folder: Path, process: int, *, host: str | None = None, age: float = 0) -> Path:
    """Make the file that a process left behind."""
    path = folder / f".a.tif.{host or this_host()}-{process}-0123abcd.part"
    path.write_bytes(b"half a pic")
    os.utime(path, (time.time() - age, time.time() - age))
    return path


NAMES = ["a.tif", "é" * 125 + ".tifx", "x" * 255, "語" * 85, "\udcff\n-.tif", "\udcff", ".a", "a b"]


@pytest.mark.parametrize("name", NAMES)
def test_parts_are_hidden_and_fit_and_say_whose_they_are(name: str) -> None:
    part = part_name(name)
    found = PATTERN.fullmatch(part)
    assert found
    assert part.startswith(".")
    assert len(os.fsencode(part)) <= LONGEST_NAME
    assert found.groups() == (this_host(), str(os.getpid()))
    part.encode()  # readable everywhere, whatever bytes the name holds


def test_two_parts_never_share_a_name() -> None:
    assert part_name("a.tif") != part_name("a.tif")


@pytest.mark.parametrize(
    ("host", "shown"),
    [("node-1.lab", "node-1-lab"), ("a" * 80, "a" * 64), ("", "host"), ("ü/\n", "---")],
)
def test_any_host_can_be_part_of_a_name(
    monkeypatch: pytest.MonkeyPatch, host: str, shown: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    assert this_host().startswith(shown)
    assert re.fullmatch("[A-Za-z0-9-]+", this_host())
    assert PATTERN.fullmatch(part_name("x" * 255))


def test_containers_that_share_a_host_name_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = set()
    for number in (part_names.OUTERMOST, "4026532201", "4026532202"):
        link = Path(f"pid:[{number}]")
        monkeypatch.setattr(Path, "readlink", lambda _, link=link: link)
        hosts.add(this_host())
    assert len(hosts) == 3


def test_files_of_dead_processes_are_removed(tmp_path: Path, dead: int) -> None:
    stale = left(tmp_path, dead)
    (tmp_path / "a.tif").touch()
    assert sweep(tmp_path) == [stale]
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_files_of_living_processes_stay(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        mine, theirs = left(tmp_path, os.getpid()), left(tmp_path, process.pid)
        parents = left(tmp_path, 1)  # someone else's: it cannot be signalled by a user
        assert sweep(tmp_path) == []
        assert all(path.exists() for path in (mine, theirs, parents))
    finally:
        process.communicate()


def test_files_of_other_hosts_stay_for_a_day(tmp_path: Path, dead: int) -> None:
    fresh = left(tmp_path, dead, host="elsewhere", age=DAY - 60)
    old = left(tmp_path, dead, host="beyond", age=DAY + 60)
    assert sweep(tmp_path) == [old]
    assert fresh.exists()


def test_a_number_that_was_given_away_again_saves_a_file_for_a_day_only(tmp_path: Path) -> None:
    left(tmp_path, os.getppid(), age=DAY + 60)
    assert len(sweep(tmp_path)) == 1


def test_this_process_never_removes_its_own_files(tmp_path: Path) -> None:
    left(tmp_path, os.getpid(), age=10 * 365 * DAY)  # the clock may jump while it writes
    assert sweep(tmp_path) == []


def test_files_from_the_future_of_living_processes_stay(tmp_path: Path) -> None:
    left(tmp_path, os.getppid(), age=-10 * 365 * DAY)
    assert sweep(tmp_path) == []


STRANGERS = [
    ".a.tif.part",
    "a.tif.part",
    ".a.tif.{host}-{pid}-0123abcd.part.txt",
    ".a.tif.{host}-{pid}-0123abc.part",
    ".a.tif.{host}-{pid}-0123ABCD.part",
    ".a.tif.{host}-0{pid}-0123abcd.part",
    ".a.tif.{host}-0-0123abcd.part",
    ".a.tif.{host}-{pid}0000000000-0123abcd.part",
    ".a.tif.{host}-x-0123abcd.part",
    "a.tif.{host}-{pid}-0123abcd.part",
    ".a.tif{host}-{pid}-0123abcd.PART",
]


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_not_named_like_ours_stays_however_old(
    tmp_path: Path, dead: int, name: str
) -> None:
    path = tmp_path / name.format(host=this_host(), pid=dead)
    path.touch()
    os.utime(path, (0, 0))
    assert sweep(tmp_path) == []
    assert path.exists()


def test_links_and_folders_with_our_names_stay(tmp_path: Path, dead: int) -> None:
    (tmp_path / "precious").write_bytes(b"keep")
    ours = f"{this_host()}-{dead}-0123abcd.part"
    (tmp_path / f".link.{ours}").symlink_to("precious")
    (tmp_path / f".dangling.{ours}").symlink_to("nowhere")
    (tmp_path / f".folder.{ours}").mkdir()
    before = sorted(tmp_path.iterdir())
    assert sweep(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "precious").read_bytes() == b"keep"


def test_names_with_line_breaks_are_known_again(tmp_path: Path, dead: int) -> None:
    path = tmp_path / f".a\nb.tif.{this_host()}-{dead}-0123abcd.part"
    path.touch()
    assert sweep(tmp_path) == [path]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert sweep(tmp_path / "gone") == []


def test_what_cannot_be_removed_is_not_said_to_be(
    tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(tmp_path, dead)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert sweep(tmp_path) == []


def test_a_process_that_may_not_be_asked_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: int, signal: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    assert not is_gone(4)


def test_where_signals_cannot_ask_nobody_is_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(process: int, signal: int) -> None:
        raise AssertionError("signal 0 is Ctrl-C on Windows")

    monkeypatch.setattr(os, "kill", never)
    monkeypatch.setattr(part_names.os, "name", "nt")
    assert not is_gone(4)


# Publishes without end; killed at any moment, it leaves parts.
WRITER = """
import sys
from pathlib import Path
from darkroom.publish import publish
for n in range(100_000):
    publish(Path(sys.argv[1]) / f"{n}.tif", lambda file: [file.write(b"x" * 3000)] * 3,
            overwrite=False)
"""


@pytest.mark.slow
def test_a_killed_writer_leaves_complete_files_and_what_a_sweep_removes(tmp_path: Path) -> None:
    for wait in (0.0, 0.003, 0.01, 0.02, 0.05):
        folder = tmp_path / str(wait)
        folder.mkdir()
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)])
        deadline = time.monotonic() + 60
        while not (folder / "3.tif").exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(wait)
        process.kill()
        process.wait()
        sweep(folder)
        complete = [*folder.glob("*.tif")]
        assert len(complete) > 3
        assert sorted(folder.iterdir()) == sorted(complete)
        assert {path.read_bytes() for path in complete} == {b"x" * 3000}
