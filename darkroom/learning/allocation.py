"""The C library's memory: freed buffers are kept for the next step.

By default glibc asks the system for every large buffer anew and returns it when it is freed. A
training step on a CPU frees and asks for the same hundreds of megabytes each time, and the system
has to clear every page: 40 to 70 ms of system time of a 350 ms step of `fast-unet`, which vanish.
"""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
LARGEST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process keep the memory it frees; return whether the C library could be told.

    It holds for the process: later allocations reuse what the training freed.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's; musl has none
    if mallopt is None:
        return False
    return bool(mallopt(MMAP_MAX, 0)) and bool(mallopt(TRIM_THRESHOLD, LARGEST))
