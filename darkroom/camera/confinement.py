"""What the decoder process takes away from itself before it sees a file of unknown origin.

No writing of files, little memory and time, no new rights, no life after its parent. Every step is
taken where the system knows it and left out elsewhere.
"""

import ctypes
import math
import signal
import sys
from pathlib import Path

from darkroom.camera.limits import Limits

try:
    import resource

    HAS_LIMITS = True
except ImportError:  # Windows
    HAS_LIMITS = False

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
MAX_OPEN_FILES = 64
STATUS = Path("/proc/self/status")
KIBIBYTE = 1024
CPU_PER_SECOND = 2  # of the time limit: more than one thread may decode


def confine() -> None:
    """Give up for good what decoding does not need."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    if sys.platform == "linux":
        control = ctypes.CDLL(None, use_errno=True).prctl
        control(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # A parent that died before this line closed the channel, which ends this process too.
        control(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if HAS_LIMITS:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)


def limit_file(limits: Limits, size: int, pixels: int) -> None:
    """Bound the memory and processor time from here on.

    Args:
        limits: bounds on the file.
        size: its bytes.
        pixels: its pixels, 0 while they are unknown.
    """
    if not HAS_LIMITS:
        return
    used = status("VmSize")
    if used:
        lower(resource.RLIMIT_AS, used + limits.memory_for(size, pixels))
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = usage.ru_utime + usage.ru_stime + CPU_PER_SECOND * limits.seconds_for(pixels)
    lower(resource.RLIMIT_CPU, math.ceil(seconds))


def forget_file_limits() -> None:
    """Lift the bounds of the last file."""
    if HAS_LIMITS:
        for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
            _, highest = resource.getrlimit(limit)
            resource.setrlimit(limit, (highest, highest))


def lower(limit: int, most: int) -> None:
    """Set a soft limit, never above the hard one."""
    _, highest = resource.getrlimit(limit)
    allowed = most if highest == resource.RLIM_INFINITY else min(most, highest)
    resource.setrlimit(limit, (allowed, highest))


def peak_memory() -> int:
    """Return the most bytes this process has held in memory, 0 if the system does not say.

    Not `ru_maxrss`: on Linux that begins with the memory of the process that started this one.
    """
    return status("VmHWM")


def status(name: str) -> int:
    """Return a line of the kernel's account of this process in bytes, 0 without one."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(next(found, "0")) * KIBIBYTE
