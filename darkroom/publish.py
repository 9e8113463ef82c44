"""Write a file so that its final name only ever shows a complete one.

The file is written beside its target under a hidden name, flushed to the disk, read back and only
then given its name. Whatever goes wrong, the hidden file is removed and an older one stays as it
was.
"""

import ctypes
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.part_file import ANYWHERE, BinaryFile, Published, part_file
from darkroom.part_names import LONGEST_NAME, part_name, sweep

__all__ = [
    "LONGEST_NAME",
    "BinaryFile",
    "Published",
    "check_free",
    "check_writable",
    "is_present",
    "publish",
    "sweep",
]

LOOK = os.O_RDONLY | ANYWHERE | getattr(os, "O_NONBLOCK", 0)  # a pipe must not make us wait
AT_WORKING_FOLDER, KEEP_EXISTING = -100, 1  # AT_FDCWD and RENAME_NOREPLACE of Linux
WITHOUT_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
WITHOUT_KEEPING = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
WITHOUT_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}
NO_SPACE = {  # errors of the disk, which the next file would meet as well: number -> advice
    errno.ENOSPC: "free space on the disk",
    errno.EDQUOT: "free space on the disk, or raise your quota",
    errno.EFBIG: "write to a disk that takes larger files, or raise the limit (ulimit -f)",
    errno.EIO: "check the disk and its cable, or write to another one",
}


def publish(
    target: Path,
    write: Callable[[BinaryFile], object],
    *,
    overwrite: bool,
    before_naming: Callable[[Published], None] | None = None,
) -> Published:
    """Let `write` fill a temporary file and give it the name `target` once it is complete.

    Without `overwrite`, a file that has the name is kept; if it holds the very same bytes, all is
    well: another run did the same work.

    Args:
        target: the final name; missing folders are made.
        write: writes the whole file, in any order.
        overwrite: replace a file that has the name; a link is replaced, not what it points to.
        before_naming: is told of the complete file just before it gets its name.

    Returns:
        The bytes of the file, as they were read back from the disk.

    Raises:
        FileProblem: WRITE_SPACE (disk full, quota, size limit, failing disk), WRITE_DENIED (no
            permission, read-only) or COLLISION (`target` exists and `overwrite` is False).
        ValueError: `write` left out parts of the file or wrote them twice.
    """
    try:
        _refuse_occupied(target, overwrite=overwrite)
        _make_folder(target.parent)
        return _write_aside(target, write, overwrite, before_naming)
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
    folders = target.absolute().parents
    folder = next((folder for folder in folders if is_present(folder)), folders[-1])
    if not os.path.isdir(folder):  # noqa: PTH112 - Path's may raise
        raise _problem(NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder"), target)
    if not os.access(folder, os.W_OK):
        raise _problem(PermissionError(errno.EACCES, f"no permission to write in {folder}"), target)


def check_free(target: Path, *, overwrite: bool) -> None:
    """Refuse, before long work, a target that exists or whose folder cannot be written.

    Raises:
        UsageProblem: it exists and may not be replaced.
        FileProblem: WRITE_DENIED.
    """
    if is_present(target) and not overwrite:
        raise UsageProblem(f"{target} exists already; use --overwrite to replace it")
    check_writable(target)


def _refuse_occupied(target: Path, *, overwrite: bool) -> None:
    """Refuse what can be neither replaced nor equal to the new file."""
    if target.is_dir() and not target.is_symlink():
        raise FileProblem(FailureCode.COLLISION, f"{target} is a folder", "move it away")
    if not overwrite and is_present(target) and not stat.S_ISREG(target.lstat().st_mode):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder") from None


def _write_aside(
    target: Path,
    write: Callable[[BinaryFile], object],
    overwrite: bool,
    before_naming: Callable[[Published], None] | None,
) -> Published:
    part = target.with_name(part_name(target.name))
    try:
        with part_file(part) as file:
            write(file)
            published = file.settled()
        if before_naming:
            before_naming(published)
        if overwrite:
            part.replace(target)
        else:
            _name_new(part, target, published)
    finally:
        with suppress(OSError):  # has its name, was never made, or is for `sweep` to remove
            part.unlink()
    _flush_folder(target.parent)
    return published


def _name_new(part: Path, target: Path, published: Published) -> None:
    try:
        _give_free_name(part, target)
    except FileExistsError:
        if not _holds(target, published):
            raise


def _give_free_name(part: Path, target: Path) -> None:
    """Give a file a name that nothing has yet, in the safest way the file system knows."""
    try:
        os.link(part, target)  # unlike a rename, never replaces
    except OSError as error:
        if error.errno not in WITHOUT_LINKS:
            raise
        _rename_without_links(part, target)


def _rename_without_links(part: Path, target: Path) -> None:
    """Do the same where links are unknown: FAT, some network shares."""
    try:
        _rename_keeping(part, target)
    except OSError as error:
        if error.errno not in WITHOUT_KEEPING:
            raise
        _rename_reserved(part, target)


def _rename_keeping(part: Path, target: Path) -> None:
    """Rename, but never replace.

    Raises:
        OSError: `target` exists, or the system cannot do that.
    """
    if os.name == "nt":
        part.rename(target)  # never replaces there
        return
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    rename = getattr(libc, "renameat2", None)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    here = AT_WORKING_FOLDER
    if rename(here, os.fsencode(part), here, os.fsencode(target), KEEP_EXISTING):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _rename_reserved(part: Path, target: Path) -> None:
    """Claim the name with an empty file, then replace that: the last resort."""
    descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        os.close(descriptor)
        part.replace(target)
    except BaseException:
        target.unlink()
        raise


def _holds(target: Path, published: Published) -> bool:
    """Whether `target` is an ordinary file of the very same bytes."""
    try:
        descriptor = os.open(target, LOOK)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != published.size:
            return False
        return hashlib.file_digest(file, "sha256").hexdigest() == published.sha256


def _flush_folder(folder: Path) -> None:
    """Bring a new name to the disk, where the system can do that to a folder."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in WITHOUT_FOLDER_SYNC:
            raise


def _problem(error: OSError, target: Path) -> FileProblem:
    reason = error.strerror or str(error) or type(error).__name__
    if error.errno == errno.EEXIST:
        return FileProblem(
            FailureCode.COLLISION, f"{target} exists already", "use --overwrite to replace it"
        )
    if error.errno in NO_SPACE:
        advice = NO_SPACE[error.errno]
        return FileProblem(FailureCode.WRITE_SPACE, f"writing {target} failed: {reason}", advice)
    return FileProblem(
        FailureCode.WRITE_DENIED,
        f"{target} cannot be written: {reason}",
        "choose another folder with -o",
    )
