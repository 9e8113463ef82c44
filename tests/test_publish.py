import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom import publish as room
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.publish import BinaryFile, Published, check_free, check_writable, publish

CONTENT = b"a complete picture"


def write(file: BinaryFile) -> None:
    file.write(CONTENT)


def failing(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_whole_file_appears_under_its_name(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "a.tif"
    published = publish(target, write, overwrite=False)
    assert target.read_bytes() == CONTENT
    assert published == Published(len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    assert names(target.parent) == ["a.tif"]


def test_while_it_is_written_only_a_hidden_part_exists(tmp_path: Path) -> None:
    seen = []

    def spy(file: BinaryFile) -> None:
        seen.extend(names(tmp_path))
        write(file)

    publish(tmp_path / "a.tif", spy, overwrite=False)
    assert len(seen) == 1
    assert seen[0].startswith(".a.tif.")
    assert seen[0].endswith(".part")


def test_just_before_it_gets_its_name_the_complete_file_is_told_of(tmp_path: Path) -> None:
    told = []

    def note(published: Published) -> None:
        (part,) = tmp_path.iterdir()
        assert part.read_bytes() == CONTENT
        told.append(published)

    published = publish(tmp_path / "a.tif", write, overwrite=False, before_naming=note)
    assert told == [published]


def test_what_cannot_be_noted_gets_no_name(tmp_path: Path) -> None:
    def refuse(_: Published) -> None:
        raise FileProblem(FailureCode.WRITE_SPACE, "the note cannot be written")

    with pytest.raises(FileProblem, match="note"):
        publish(tmp_path / "a.tif", write, overwrite=False, before_naming=refuse)
    assert names(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        publish(tmp_path / "a.tif", write, overwrite=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.tif").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("old", [b"old", CONTENT[::-1], CONTENT[:-1], CONTENT + b"!", b""])
def test_an_existing_file_of_other_bytes_is_kept(tmp_path: Path, old: bytes) -> None:
    target = tmp_path / "a.tif"
    target.write_bytes(old)
    with pytest.raises(FileProblem) as caught:
        publish(target, write, overwrite=False)
    assert caught.value.code is FailureCode.COLLISION
    assert "--overwrite" in caught.value.advice
    assert target.read_bytes() == old
    assert names(tmp_path) == ["a.tif"]


def test_an_existing_file_of_the_same_bytes_is_the_work_done(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    target.write_bytes(CONTENT)
    before = target.stat()
    assert publish(target, write, overwrite=False).size == len(CONTENT)
    assert target.stat().st_ino == before.st_ino
    assert names(tmp_path) == ["a.tif"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "meanwhile"])
def test_a_link_to_the_same_bytes_is_not_the_work_done(tmp_path: Path, late: bool) -> None:
    target = tmp_path / "a.tif"
    (tmp_path / "b.tif").write_bytes(CONTENT)

    def race(file: BinaryFile) -> None:
        write(file)
        if late:
            target.symlink_to("b.tif")

    if not late:
        target.symlink_to("b.tif")
    with pytest.raises(FileProblem) as caught:
        publish(target, race, overwrite=False)
    assert caught.value.code is FailureCode.COLLISION
    assert target.is_symlink()
    assert names(tmp_path) == ["a.tif", "b.tif"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "meanwhile"])
def test_a_pipe_with_the_name_is_not_waited_for(tmp_path: Path, late: bool) -> None:
    target = tmp_path / "a.tif"

    def race(file: BinaryFile) -> None:
        write(file)
        if late:
            os.mkfifo(target)

    if not late:
        os.mkfifo(target)
    with pytest.raises(FileProblem) as caught:
        publish(target, race, overwrite=False)
    assert caught.value.code is FailureCode.COLLISION


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"

    def race(file: BinaryFile) -> None:
        write(file)
        target.write_bytes(b"winner")

    with pytest.raises(FileProblem) as caught:
        publish(target, race, overwrite=False)
    assert caught.value.code is FailureCode.COLLISION
    assert target.read_bytes() == b"winner"
    assert names(tmp_path) == ["a.tif"]


def test_overwriting_replaces_a_link_not_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"keep")
    target = tmp_path / "a.tif"
    target.symlink_to("precious")
    publish(target, write, overwrite=True)
    assert not target.is_symlink()
    assert target.read_bytes() == CONTENT
    assert (tmp_path / "precious").read_bytes() == b"keep"


def test_overwriting_a_hard_link_of_the_input_leaves_the_input(tmp_path: Path) -> None:
    (tmp_path / "a.ARW").write_bytes(b"raw")
    os.link(tmp_path / "a.ARW", tmp_path / "a.tif")
    publish(tmp_path / "a.tif", write, overwrite=True)
    assert (tmp_path / "a.ARW").read_bytes() == b"raw"


def test_without_overwrite_even_a_dangling_link_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    target.symlink_to("nowhere")
    with pytest.raises(FileProblem):
        publish(target, write, overwrite=False)
    assert target.is_symlink()
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_with_the_name_of_the_target_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tif").mkdir()
    with pytest.raises(FileProblem, match="is a folder"):
        publish(tmp_path / "a.tif", write, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("error", [RuntimeError("bug"), KeyboardInterrupt(), MemoryError()])
def test_whatever_the_writer_raises_leaves_the_old_file_and_no_part(
    tmp_path: Path, overwrite: bool, error: BaseException
) -> None:
    target = tmp_path / "a.tif"
    if overwrite:
        target.write_bytes(b"old")
    before = names(tmp_path)

    def broken(file: BinaryFile) -> None:
        file.write(CONTENT[:3])
        raise error

    with pytest.raises(type(error)):
        publish(target, broken, overwrite=overwrite)
    assert names(tmp_path) == before
    assert not overwrite or target.read_bytes() == b"old"


CODES = [
    (errno.ENOSPC, FailureCode.WRITE_SPACE),
    (errno.EDQUOT, FailureCode.WRITE_SPACE),
    (errno.EFBIG, FailureCode.WRITE_SPACE),
    (errno.EIO, FailureCode.WRITE_SPACE),
    (errno.EACCES, FailureCode.WRITE_DENIED),
    (errno.EROFS, FailureCode.WRITE_DENIED),
    (errno.EPERM, FailureCode.WRITE_DENIED),
    (errno.ENAMETOOLONG, FailureCode.WRITE_DENIED),
]


@pytest.mark.parametrize(("number", "code"), CODES)
def test_errors_of_the_system_get_their_names(
    tmp_path: Path, number: int, code: FailureCode
) -> None:
    with pytest.raises(FileProblem) as caught:
        publish(tmp_path / "a.tif", failing(number), overwrite=False)
    assert caught.value.code is code
    assert caught.value.advice
    assert names(tmp_path) == []


def test_folders_that_cannot_be_flushed_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, refused = os.fsync, []

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            refused.append(descriptor)
            raise OSError(errno.EINVAL, "Invalid argument")
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    publish(tmp_path / "a.tif", write, overwrite=False)
    assert names(tmp_path) == ["a.tif"]
    assert refused


def test_the_longest_names_can_be_published(tmp_path: Path) -> None:
    name = "é" * 125 + ".tifx"
    assert len(os.fsencode(name)) == 255
    publish(tmp_path / name, write, overwrite=False)
    assert names(tmp_path) == [name]


def test_names_of_any_bytes_can_be_published(tmp_path: Path) -> None:
    name = "\udcff\n-.tif"
    publish(tmp_path / name, write, overwrite=False)
    assert names(tmp_path) == [name]


def test_a_planted_part_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "precious").write_bytes(b"keep")
    (tmp_path / ".planted.part").symlink_to("precious")
    monkeypatch.setattr(room, "part_name", lambda name: ".planted.part")
    with pytest.raises(FileProblem):
        publish(tmp_path / "a.tif", write, overwrite=False)
    assert (tmp_path / "precious").read_bytes() == b"keep"


def test_an_unwritable_folder_is_seen_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_writable(tmp_path / "new" / "a.tif")
    (tmp_path / "file").touch()
    with pytest.raises(FileProblem, match="not a folder"):
        check_writable(tmp_path / "file" / "a.tif")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(FileProblem) as caught:
        check_writable(tmp_path / "new" / "a.tif")
    assert caught.value.code is FailureCode.WRITE_DENIED


def test_a_file_in_place_of_a_folder_is_denied(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(FileProblem) as caught:
        publish(tmp_path / "out" / "a.tif", write, overwrite=True)
    assert caught.value.code is FailureCode.WRITE_DENIED


def test_a_taken_name_is_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    check_free(tmp_path / "free", overwrite=False)
    check_free(tmp_path / "taken", overwrite=True)
    with pytest.raises(UsageProblem, match="--overwrite"):
        check_free(tmp_path / "taken", overwrite=False)
