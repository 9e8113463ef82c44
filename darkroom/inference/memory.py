"""How much memory a run may take, and how large a tile that allows."""

import os
from pathlib import Path

import torch

from darkroom.inference.engine import TorchEngine

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
SHARE = 0.6  # of what is free may be used for a network's activations
PICTURE_BYTES = 4 * 3 * 4  # a packed pixel becomes four of three float32 colours
UNKNOWN = 4 << 30  # assumed free where the system does not say


def free_memory(device: str) -> int:
    """Return the bytes that are free on the device, or in the machine for the CPU."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return UNKNOWN
    try:
        return min(free, int(CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        return free


def bytes_per_pixel(engine: TorchEngine) -> int:
    """Return the activations a packed pixel needs at the network's widest point."""
    per_float = engine.network.bytes_per_pixel
    return per_float if engine.precision == "fp32" else per_float * 2 // 3


def most_pixels(engine: TorchEngine, max_memory: int | None, *, frame: int) -> int:
    """Return how many packed pixels a tile may hold.

    Args:
        engine: what will run.
        max_memory: bytes that all of darkroom may use; None for a share of what is free.
        frame: packed pixels of the whole frame, whose picture must fit beside the tile.
    """
    if max_memory is None:
        budget = int(free_memory(engine.device) * SHARE)
    else:
        budget = max(max_memory - resident() - frame * PICTURE_BYTES, max_memory // 16)
    return max(budget // bytes_per_pixel(engine), 1)


def resident() -> int:
    """Return the bytes this process holds now (0 where the system does not say)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
