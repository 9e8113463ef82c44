"""Which of the walls around the decoder this system can build.

A RAW file is decoded in a child process: its pixels come back through memory without a name, its
memory, time and files are limited, and it ends when darkroom ends. Not every system has all of it.
"""

import ctypes
import os
import socket
import sys
from collections.abc import Callable

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PR_GET_PDEATHSIG, PR_GET_NO_NEW_PRIVS = 2, 39


def walls() -> dict[str, bool]:
    """Return what isolates the decoder, in words, and whether this system has it."""
    return {name: _works(test) for name, test in WALLS.items()}


def _works(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except (AttributeError, OSError, ValueError):  # not on this system, or forbidden here
        return False


def _has_nameless_memory() -> bool:
    os.close(os.memfd_create("darkroom", os.MFD_CLOEXEC))
    return True


def _passes_open_files() -> bool:
    return hasattr(socket, "send_fds") and hasattr(socket, "AF_UNIX")


def _limits_processes() -> bool:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
    for kind in kinds:
        resource.setrlimit(kind, resource.getrlimit(kind))
    return True


def _ends_with_its_parent() -> bool:
    signal = ctypes.c_int()
    return _prctl(PR_GET_PDEATHSIG, ctypes.byref(signal)) == 0


def _gives_up_privileges() -> bool:
    return _prctl(PR_GET_NO_NEW_PRIVS, 0) >= 0


def _prctl(option: int, argument: object) -> int:
    if not sys.platform.startswith("linux"):
        return -1
    return int(ctypes.CDLL(None).prctl(option, argument, 0, 0, 0))


WALLS: dict[str, Callable[[], bool]] = {
    "memory without a name": _has_nameless_memory,
    "opened files handed over": _passes_open_files,
    "limits of memory, time and files": _limits_processes,
    "end with the parent": _ends_with_its_parent,
    "no new privileges": _gives_up_privileges,
}
