"""Open a file to read it: only regular files, and notice when one changes meanwhile."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.errors import FailureCode, FileProblem

COPY_AGAIN = "copy it again from the card"
MEGABYTE = 1_000_000

# Where the system has them: no waiting for the other end of a pipe, no handing on to programs.
OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path, limits: Limits = DEFAULT_LIMITS) -> BinaryIO:
    """Open a regular file for reading; never opens a FIFO or a device.

    Raises:
        FileProblem: E_NOT_REGULAR, E_EMPTY, E_TOO_BIG, or E_CORRUPT for a file that cannot be read.
    """
    try:
        # Before opening, because opening alone can act on a device.
        check_regular(path.stat(), limits)
        file = os.fdopen(os.open(path, OPEN_FLAGS), "rb")
    except OSError as error:
        raise unopened(path, error) from error
    try:
        # After opening, because the name may mean another file by now.
        check_regular(os.fstat(file.fileno()), limits)
    except BaseException:
        file.close()
        raise
    return file


def check_regular(status: os.stat_result, limits: Limits) -> None:
    """Refuse what is not a regular file with something in it."""
    if stat.S_ISDIR(status.st_mode):
        raise FileProblem(FailureCode.NOT_REGULAR, "is a folder", "name the files inside it")
    if not stat.S_ISREG(status.st_mode):
        raise FileProblem(
            FailureCode.NOT_REGULAR, "is not a regular file (a pipe, a socket or a device)"
        )
    if status.st_size == 0:
        raise FileProblem(FailureCode.EMPTY, "the file is empty (0 bytes)", COPY_AGAIN)
    if status.st_size > limits.max_bytes:
        raise FileProblem(
            FailureCode.TOO_BIG,
            f"the file has {status.st_size / MEGABYTE:.0f} MB;"
            f" the limit is {limits.max_bytes / MEGABYTE:.0f} MB",
        )


def unopened(path: Path, error: OSError) -> FileProblem:
    """Return why a file could not be opened, in the user's words."""
    if error.errno == errno.ELOOP:
        return FileProblem(FailureCode.NOT_REGULAR, "is a link that leads back to itself")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        dangling = path.is_symlink()
        what = "is a link to a file that does not exist" if dangling else "does not exist"
        return FileProblem(FailureCode.NOT_REGULAR, what)
    return unread(error)


def unread(error: OSError) -> FileProblem:
    """Return the problem of a file whose bytes cannot be read."""
    reason = error.strerror or type(error).__name__
    advice = "check its permissions" if isinstance(error, PermissionError) else ""
    return FileProblem(FailureCode.CORRUPT, f"cannot be read: {reason}", advice)


def file_size(file: BinaryIO) -> int:
    """Return the bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_whole(file: BinaryIO) -> bytes:
    """Return every byte of an open file.

    A decoder that reads by itself may take a failing card for the end of the data, and some do so
    without a word; here a read error is one.

    Raises:
        FileProblem: E_CORRUPT where the card fails, E_CHANGED where the file shrinks meanwhile.
    """
    size = file_size(file)
    try:
        file.seek(0)
        content = file.read(size)
    except OSError as error:
        raise unread(error) from error
    if len(content) != size:
        raise changed()
    return content


@contextmanager
def unchanged(file: BinaryIO) -> Iterator[None]:
    """Raise E_CHANGED if the file changes within the block, whatever else goes wrong in it."""
    before = version(file)
    try:
        yield
    except FileProblem as problem:
        if version(file) != before:
            raise changed() from problem
        raise
    if version(file) != before:
        raise changed()


def version(file: BinaryIO) -> tuple[int, int]:
    """Return what changes when somebody writes: the size and the time of the last change."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def changed() -> FileProblem:
    """Return the error for a file that somebody writes while it is read."""
    return FileProblem(
        FailureCode.CHANGED,
        "the file changed while it was read",
        "wait until it is copied, then run the same command again",
    )
