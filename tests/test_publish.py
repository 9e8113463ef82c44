import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom import publish as room
from darkroom.errors import FailureCode, FileProblem
from darkroom.publish import check_writable, part_name, publish

CONTENT = b"a complete picture"


def write(path: Path) -> None:
    path.write_bytes(CONTENT)


def failing(number: int | None) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number)) if number else OSError("9 requested, 4 written")

    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_whole_file_appears_under_its_name(tmp_path: Path) -> None:
    target = tmp_path / "new" / "deep" / "a.tif"
    publish(target, write, overwrite=False)
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["a.tif"]


def test_while_it_is_written_only_a_hidden_part_exists(tmp_path: Path) -> None:
    seen = []

    def spy(path: Path) -> None:
        seen.extend(names(tmp_path))
        assert path.parent == tmp_path
        write(path)

    publish(tmp_path / "a.tif", spy, overwrite=False)
    assert len(seen) == 1
    assert seen[0].startswith(f".a.tif.{os.getpid()}-")
    assert seen[0].endswith(".part")


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_mode_follows_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        publish(tmp_path / "a.tif", write, overwrite=False)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.tif").stat().st_mode) == 0o666 & ~mask


def test_an_existing_file_is_kept_and_nothing_is_computed(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    target.write_bytes(b"old")
    with pytest.raises(FileProblem) as caught:
        publish(target, failing(errno.EIO), overwrite=False)
    assert caught.value.code is FailureCode.COLLISION
    assert "--overwrite" in caught.value.advice
    assert target.read_bytes() == b"old"


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"

    def race(path: Path) -> None:
        write(path)
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

    def broken(path: Path) -> None:
        path.write_bytes(CONTENT[:3])
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
    (None, FailureCode.WRITE_SPACE),
    (errno.EACCES, FailureCode.WRITE_DENIED),
    (errno.EROFS, FailureCode.WRITE_DENIED),
    (errno.EPERM, FailureCode.WRITE_DENIED),
    (errno.ENAMETOOLONG, FailureCode.WRITE_DENIED),
]


@pytest.mark.parametrize(("number", "code"), CODES)
def test_errors_of_the_system_get_their_names(
    tmp_path: Path, number: int | None, code: FailureCode
) -> None:
    with pytest.raises(FileProblem) as caught:
        publish(tmp_path / "a.tif", failing(number), overwrite=False)
    assert caught.value.code is code
    assert caught.value.advice
    assert names(tmp_path) == []


FAULTS = [
    (call, nth, overwrite)
    for call, overwrite in (("open", False), ("fsync", False), ("link", False), ("replace", True))
    for nth in (1, 2)
]


@pytest.mark.parametrize(("call", "nth", "overwrite"), FAULTS)
def test_a_failing_system_call_never_leaves_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, overwrite: bool
) -> None:
    target = tmp_path / "a.tif"
    if overwrite:
        target.write_bytes(b"old")
    owner = Path if call == "replace" else os
    plain, count = getattr(owner, call), 0

    def fault(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count == nth:
            raise OSError(errno.EIO, "Input/output error")
        return plain(*args, **kwargs)

    monkeypatch.setattr(owner, call, fault)
    try:
        publish(target, write, overwrite=overwrite)
    except FileProblem as problem:
        assert problem.code is FailureCode.WRITE_SPACE
    else:
        assert count < nth
    monkeypatch.undo()
    left = names(tmp_path)
    assert left in ([], ["a.tif"])
    if left:
        assert target.read_bytes() in (CONTENT, b"old")


def test_file_systems_without_links_keep_existing_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    publish(tmp_path / "a.tif", write, overwrite=False)
    assert (tmp_path / "a.tif").read_bytes() == CONTENT

    def race(path: Path) -> None:
        write(path)
        (tmp_path / "b.tif").write_bytes(b"winner")

    with pytest.raises(FileProblem):
        publish(tmp_path / "b.tif", race, overwrite=False)
    assert (tmp_path / "b.tif").read_bytes() == b"winner"
    assert names(tmp_path) == ["a.tif", "b.tif"]


def test_without_links_a_failed_rename_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(Path, "replace", failing(errno.EIO))
    with pytest.raises(FileProblem):
        publish(tmp_path / "a.tif", write, overwrite=False)
    assert names(tmp_path) == []


def test_folders_that_cannot_be_flushed_are_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = room._flush

    def flush(path: Path, flags: int) -> None:
        if path.is_dir():
            raise OSError(errno.EINVAL, "Invalid argument")
        plain(path, flags)

    monkeypatch.setattr(room, "_flush", flush)
    publish(tmp_path / "a.tif", write, overwrite=False)
    assert names(tmp_path) == ["a.tif"]


def test_the_longest_names_can_be_published(tmp_path: Path) -> None:
    name = "é" * 125 + ".tifx"
    assert len(os.fsencode(name)) == 255
    publish(tmp_path / name, write, overwrite=False)
    assert names(tmp_path) == [name]


def test_names_of_any_bytes_can_be_published(tmp_path: Path) -> None:
    name = "\udcff\n-.tif"
    publish(tmp_path / name, write, overwrite=False)
    assert names(tmp_path) == [name]


def test_two_parts_never_share_a_name() -> None:
    assert part_name("a.tif") != part_name("a.tif")


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


def test_a_writer_that_makes_its_own_file_does_not_hide_it_from_others(tmp_path: Path) -> None:
    def write(part: Path) -> None:
        part.unlink()
        part.write_bytes(CONTENT)
        part.chmod(0o600)

    (tmp_path / "plain").touch()
    publish(tmp_path / "picture", write, overwrite=False)
    assert (tmp_path / "picture").stat().st_mode == (tmp_path / "plain").stat().st_mode
