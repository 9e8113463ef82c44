"""Publishing on file systems that know no links, such as those of memory cards."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom import publish as room
from darkroom.errors import FailureCode, FileProblem
from darkroom.publish import BinaryFile, publish

CONTENT = b"a complete picture"
WITHOUT_LINKS = [("link",), ("link", "renameat2")]  # FAT on Linux, FAT elsewhere


def write(file: BinaryFile) -> None:
    file.write(CONTENT)


def failing(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=WITHOUT_LINKS, ids="+".join)
def without_links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without links, and maybe without a rename that never replaces."""
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    if "renameat2" in request.param:
        monkeypatch.setattr(room, "_rename_keeping", failing(errno.EINVAL))


@pytest.mark.usefixtures("without_links")
def test_file_systems_without_links_keep_existing_files_too(tmp_path: Path) -> None:
    publish(tmp_path / "a.tif", write, overwrite=False)
    assert (tmp_path / "a.tif").read_bytes() == CONTENT

    def race(file: BinaryFile) -> None:
        write(file)
        (tmp_path / "b.tif").write_bytes(b"winner")

    with pytest.raises(FileProblem) as caught:
        publish(tmp_path / "b.tif", race, overwrite=False)
    assert caught.value.code is FailureCode.COLLISION
    assert (tmp_path / "b.tif").read_bytes() == b"winner"
    assert names(tmp_path) == ["a.tif", "b.tif"]


@pytest.mark.usefixtures("without_links")
def test_without_links_too_the_same_bytes_are_the_work_done(tmp_path: Path) -> None:
    for _ in range(2):
        assert publish(tmp_path / "a.tif", write, overwrite=False).size == len(CONTENT)
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.skipif(sys.platform != "linux", reason="renames that never replace are Linux's")
def test_without_links_the_name_never_shows_an_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(room, "_rename_reserved", failing(errno.ENOSYS))
    publish(tmp_path / "a.tif", write, overwrite=False)
    assert publish(tmp_path / "a.tif", write, overwrite=False).size == len(CONTENT)
    assert names(tmp_path) == ["a.tif"]


def test_without_links_a_failed_rename_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(room, "_rename_keeping", failing(errno.ENOSYS))
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(FileProblem):
        publish(tmp_path / "a.tif", write, overwrite=False)
    assert names(tmp_path) == []
