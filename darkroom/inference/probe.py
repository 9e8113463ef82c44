"""What a network really needs on this machine: memory, measured by running it."""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from darkroom.inference.engine import Engine
from darkroom.inference.memory import resident

SIDES = (128, 256)  # packed pixels: large enough to stand out, small enough for half a second
M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
SMALL_BLOCK, LARGE_BLOCK = 1 << 16, 32 << 20  # the second is where glibc's own choice ends
MEMORY_FACTS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")
PEAK = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


def measured_bytes_per_pixel(engine: Engine) -> float | None:
    """Return the bytes a packed pixel needs while the network runs, or None if the system hides it.

    Two square tiles are run. What does not depend on their size is in both peaks, so their
    difference is the pixels' alone: what is in use, without what the memory allocator keeps back.

    Raises:
        FileProblem: there is not even enough memory for these tiles.
    """
    with returning_memory():
        small, large = [peak_of(engine, side) for side in (*SIDES[::-1], *SIDES)][-2:]
    if small is None or large is None:
        return None
    return (large - small) / (SIDES[1] ** 2 - SIDES[0] ** 2)


def peak_of(engine: Engine, side: int) -> int | None:
    """Return the bytes that running a tile of side x side packed pixels adds, at its peak."""
    planes = np.full((4, side, side), 0.1, np.float32)
    noise = np.full(8, 1e-3, np.float32)
    if engine.device.startswith("cuda"):
        import torch  # noqa: PLC0415 - loaded by now

        torch.cuda.reset_peak_memory_stats(engine.device)
        engine.run(planes, noise)
        return torch.cuda.max_memory_allocated(engine.device)
    before = resident()
    if not forget_peak():
        return None
    engine.run(planes, noise)
    peak = peak_resident()
    return None if peak is None else peak - before


@contextmanager
def returning_memory() -> Iterator[None]:
    """Let freed memory go back to the system at once, so that a peak holds only what is in use.

    On large frames that is so by itself; on a probe's small tiles glibc would keep it for later.
    """
    library = ctypes.CDLL(None) if os.name == "posix" else None
    mallopt = getattr(library, "mallopt", None)  # glibc has it, others may not
    if mallopt is None:
        yield
        return
    mallopt(M_MMAP_THRESHOLD, SMALL_BLOCK)
    try:
        yield
    finally:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


def forget_peak() -> bool:
    """Let the system count this process's peak of memory anew; say whether it did."""
    try:
        FORGET_PEAK.write_text("5")  # proc(5): resets VmHWM
    except OSError:
        return False
    return True


def peak_resident() -> int | None:
    """Return the most bytes this process has held since `forget_peak`, if the system says."""
    try:
        found = PEAK.search(MEMORY_FACTS.read_text())
    except OSError:
        return None
    return int(found[1]) << 10 if found else None
