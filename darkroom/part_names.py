"""Names of files in the making, `.<name>.<host>-<pid>-<random>.part`, and which of them are stale.

A process that is killed leaves its file behind. The name says whose it was, so that a later run
can clear it away without ever touching what someone else is still writing.
"""

import os
import re
import secrets
import socket
import stat
import time
from contextlib import suppress
from pathlib import Path

LONGEST_NAME = 255  # bytes, on every common file system
LONGEST_HOST = 64  # characters, as Linux has it
STALE_AFTER = 24 * 3600  # seconds
PATTERN = re.compile(r"\..*\.([A-Za-z0-9-]+)-([1-9][0-9]{0,8})-[0-9a-f]{8}\.part", re.DOTALL)
# The number of the outermost process namespace, the same on every Linux machine.
OUTERMOST = "4026531836"


def part_name(name: str) -> str:
    """Return a fresh hidden name for the file that is to be called `name`."""
    ending = f".{this_host()}-{os.getpid()}-{secrets.token_hex(4)}.part"
    kept = os.fsencode(name)[: LONGEST_NAME - 1 - len(ending)]
    return "." + kept.decode("utf-8", "ignore") + ending


def this_host() -> str:
    """Return what tells the processes of this machine from those of others.

    Containers may share their host's name and each count processes from 1. So where processes
    are counted apart, the number of that namespace is added.
    """
    host = re.sub("[^A-Za-z0-9-]", "-", socket.gethostname())[:LONGEST_HOST] or "host"
    try:
        namespace = "".join(re.findall("[0-9]+", str(Path("/proc/self/ns/pid").readlink())))
    except OSError:
        return host
    return host if namespace == OUTERMOST else f"{host}-{namespace}"


def sweep(folder: Path) -> list[Path]:
    """Remove the files that killed processes left behind in a folder; return them.

    Only ordinary files named as `part_name` names them are removed: those of this host whose
    process is gone, and those that nobody has written to for 24 hours. A process of another host
    cannot be asked, and a number may have been given to a new process, so there only age tells:
    no file takes a day to write. Those of this very process stay.
    """
    try:
        names = [entry.name for entry in os.scandir(folder)]
    except OSError:
        return []
    removed = []
    for path in (folder / name for name in names if name.endswith(".part")):
        with suppress(OSError):  # gone meanwhile, or not ours to remove
            if is_stale(path):
                path.unlink()
                removed.append(path)
    return removed


def is_stale(path: Path) -> bool:
    """Whether this is an ordinary file with a part's name that nobody is writing any more.

    Raises:
        OSError: there is no such file.
    """
    found = PATTERN.fullmatch(path.name)
    if not found:
        return False
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        return False
    host, process = found[1], int(found[2])
    is_here = host == this_host()
    if is_here and process == os.getpid():
        return False
    return (is_here and is_gone(process)) or time.time() - facts.st_mtime > STALE_AFTER


def is_gone(process: int) -> bool:
    """Whether certainly no process of this machine has the number."""
    if os.name != "posix":
        return False  # elsewhere, signal 0 is none that does nothing
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # someone else's
    return False
