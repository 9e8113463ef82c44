"""Keep what LibRaw prints from C, past Python's streams, out of the user's terminal."""

import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
LIBRAW_LINE = re.compile(rb"(data corrupted at -?\d+|Unexpected end of file)\s*$")


class _Diverted:
    """The one diversion of file descriptor 2, shared by every thread that decodes."""

    lock = threading.Lock()
    users = 0
    terminal = -1
    log = -1


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Hold back file descriptor 2 while LibRaw runs; lines that are not LibRaw's are replayed.

    The descriptor belongs to the whole process, so threads share one diversion, and what others
    write meanwhile comes out when the last decoder is done.
    """
    _divert()
    try:
        yield
    finally:
        _restore()


def _divert() -> None:
    with _Diverted.lock:
        _Diverted.users += 1
        if _Diverted.users > 1:
            return
        try:
            terminal = os.dup(STDERR)
        except OSError:  # a service without stderr has nothing to protect
            return
        with tempfile.TemporaryFile() as file:
            _Diverted.log = os.dup(file.fileno())
        os.dup2(_Diverted.log, STDERR)
        _Diverted.terminal = terminal


def _restore() -> None:
    with _Diverted.lock:
        _Diverted.users -= 1
        if _Diverted.users or _Diverted.terminal < 0:
            return
        os.dup2(_Diverted.terminal, STDERR)
        os.close(_Diverted.terminal)
        os.lseek(_Diverted.log, 0, os.SEEK_SET)
        with os.fdopen(_Diverted.log, "rb") as file:
            written = file.read()
        _Diverted.terminal = _Diverted.log = -1
        lines = [line for line in written.splitlines(True) if not LIBRAW_LINE.search(line)]
        if lines:
            os.write(STDERR, b"".join(lines))
