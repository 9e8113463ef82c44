import os
import socket
import sys
from pathlib import Path

import pytest

from darkroom.camera import source
from darkroom.camera.limits import Limits
from darkroom.camera.source import open_regular, read_whole, unchanged
from darkroom.errors import FailureCode, FileProblem


def refusal(path, limits=Limits()) -> FileProblem:  # noqa: B008
    with pytest.raises(FileProblem) as caught:
        open_regular(path, limits)
    return caught.value


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "frame.dng"
    path.write_bytes(b"content")
    return path


def test_a_regular_file_opens_for_reading_only(path):
    with open_regular(path) as file:
        assert read_whole(file) == b"content"
        with pytest.raises(OSError, match="write"):
            file.write(b"x")


def test_missing_file(tmp_path):
    for name in ("none.dng", "none/frame.dng"):
        problem = refusal(tmp_path / name)
        assert problem.code == FailureCode.NOT_REGULAR
        assert "does not exist" in problem.what


def test_a_file_is_no_folder(path):
    assert refusal(path / "frame.dng").code == FailureCode.NOT_REGULAR


def test_empty_file(path):
    path.write_bytes(b"")
    assert refusal(path).code == FailureCode.EMPTY


def test_too_large_file(path):
    assert refusal(path, Limits(max_bytes=6)).code == FailureCode.TOO_BIG


def test_folder(tmp_path):
    problem = refusal(tmp_path)
    assert problem.code == FailureCode.NOT_REGULAR
    assert "folder" in problem.what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.dng")
    assert refusal(tmp_path / "pipe.dng").code == FailureCode.NOT_REGULAR


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_that_takes_the_place_of_a_file_is_refused_without_waiting(path, monkeypatch):
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda _: regular)
    assert refusal(path).code == FailureCode.NOT_REGULAR


@pytest.mark.skipif(sys.platform == "win32", reason="no such sockets there")
def test_a_socket_is_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "talk"))
        assert refusal(tmp_path / "talk").code == FailureCode.NOT_REGULAR


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_link_to_a_device_is_refused(tmp_path):
    (tmp_path / "zero.dng").symlink_to("/dev/zero")
    assert refusal(tmp_path / "zero.dng").code == FailureCode.NOT_REGULAR


def test_links_that_lead_nowhere_are_named(tmp_path):
    (tmp_path / "gone.dng").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.dng").symlink_to(tmp_path / "loop.dng")
    assert "link to a file that does not exist" in refusal(tmp_path / "gone.dng").what
    assert "leads back to itself" in refusal(tmp_path / "loop.dng").what


def test_a_file_that_may_not_be_read_says_so(path, monkeypatch):
    def forbidden(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(source.os, "open", forbidden)
    problem = refusal(path)
    assert problem.code == FailureCode.CORRUPT
    assert "cannot be read: Permission denied" in problem.what
    assert "permissions" in problem.advice


def test_a_file_that_shrinks_while_it_is_read_is_named(path, monkeypatch):
    monkeypatch.setattr(source, "file_size", lambda _: 8)
    with open_regular(path) as file, pytest.raises(FileProblem) as caught:
        read_whole(file)
    assert caught.value.code == FailureCode.CHANGED


@pytest.mark.parametrize("fails", [False, True])
def test_a_change_explains_whatever_else_went_wrong(path, fails):
    with open_regular(path) as file, pytest.raises(FileProblem) as caught, unchanged(file):
        with path.open("ab") as other:
            other.write(b"more")
        if fails:
            raise FileProblem(FailureCode.TRUNCATED, "too short")
    assert caught.value.code == FailureCode.CHANGED


def test_without_a_change_the_problem_is_the_problem(path):
    with open_regular(path) as file, pytest.raises(FileProblem) as caught, unchanged(file):
        raise FileProblem(FailureCode.TRUNCATED, "too short")
    assert caught.value.code == FailureCode.TRUNCATED
    with open_regular(path) as file, unchanged(file):
        assert read_whole(file) == b"content"


def test_a_refused_file_is_closed(path, monkeypatch):
    def held() -> int:
        descriptor = os.dup(2)
        os.close(descriptor)
        return descriptor

    regular, before = path.stat(), held()
    path.write_bytes(b"")
    monkeypatch.setattr(Path, "stat", lambda _: regular)  # it is emptied before it is opened
    assert refusal(path).code == FailureCode.EMPTY
    assert held() == before
