"""Write a file so that its final name only ever shows a complete one.

The picture is written beside its target under a hidden name, flushed to the disk and only then
given its name. Whatever goes wrong, the hidden file is removed and an older file stays as it was.
"""

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from darkroom.errors import FailureCode, FileProblem

LONGEST_NAME = 255  # bytes, on every common file system
WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
WITHOUT_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}
# Writers that count bytes themselves report a full disk without an error number.
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, None}


def publish(target: Path, write: Callable[[Path], None], *, overwrite: bool) -> None:
    """Let `write` fill a temporary file and give it the name `target` once it is complete.

    Args:
        target: the final name; missing folders are made.
        write: writes the whole file to the path it is given, which exists and is empty.
        overwrite: replace a file that has the name; a link is replaced, not what it points to.

    Raises:
        FileProblem: WRITE_SPACE (disk full, quota, size limit, failing disk), WRITE_DENIED (no
            permission, read-only) or COLLISION (`target` exists and `overwrite` is False).
    """
    try:
        _refuse_occupied(target, overwrite=overwrite)
        _make_folder(target.parent)
        _write_aside(target, write, _replace if overwrite else _rename_new)
    except OSError as error:
        raise _problem(error, target) from error


def is_present(target: Path) -> bool:
    """Whether something has the name `target` already, be it a dangling link."""
    return os.path.lexists(target)


def check_writable(target: Path) -> None:
    """Refuse a target whose folder cannot be written, as far as that can be told beforehand.

    Raises:
        FileProblem: WRITE_DENIED.
    """
    folder = next(folder for folder in target.absolute().parents if is_present(folder))
    if not folder.is_dir():
        raise _problem(NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder"), target)
    if not os.access(folder, os.W_OK):
        raise _problem(PermissionError(errno.EACCES, f"no permission to write in {folder}"), target)


def _refuse_occupied(target: Path, *, overwrite: bool) -> None:
    if target.is_dir() and not target.is_symlink():
        raise FileProblem(FailureCode.COLLISION, f"{target} is a folder", "move it away")
    if not overwrite and is_present(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder") from None


def _write_aside(
    target: Path, write: Callable[[Path], None], rename: Callable[[Path, Path], None]
) -> None:
    part = _create_part(target)
    mode = part.stat().st_mode  # as the user's umask has it; some writers make a new file
    try:
        write(part)
        part.chmod(mode)
        _flush(part, os.O_RDWR)
        rename(part, target)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(target.parent)


def _create_part(target: Path) -> Path:
    part = target.with_name(part_name(target.name))
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    os.close(os.open(part, flags, 0o666))
    return part


def part_name(name: str) -> str:
    """Return a fresh hidden name for the file that is to be called `name`."""
    ending = f".{os.getpid()}-{secrets.token_hex(4)}.part"
    kept = os.fsencode(name)[: LONGEST_NAME - 1 - len(ending)]
    return "." + kept.decode("utf-8", "ignore") + ending


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    try:
        _flush(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno not in WITHOUT_FOLDER_SYNC:
            raise


def _replace(part: Path, target: Path) -> None:
    part.replace(target)


def _rename_new(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike a rename, never replaces
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        _rename_reserved(part, target)


def _rename_reserved(part: Path, target: Path) -> None:
    """Rename where links are unknown (FAT, some network shares): claim the name, then replace."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        part.replace(target)
    except BaseException:
        target.unlink()
        raise


def _problem(error: OSError, target: Path) -> FileProblem:
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno == errno.EEXIST:
        return FileProblem(
            FailureCode.COLLISION, f"{target} exists already", "use --overwrite to replace it"
        )
    if error.errno in NO_SPACE:
        return FileProblem(
            FailureCode.WRITE_SPACE, f"writing {target} failed: {reason}", "free space on the disk"
        )
    return FileProblem(
        FailureCode.WRITE_DENIED,
        f"{target} cannot be written: {reason}",
        "choose another folder with -o",
    )
