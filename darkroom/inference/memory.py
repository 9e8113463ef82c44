"""How much memory a run may take, and how large a tile that allows."""

import os
import re
from pathlib import Path

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.engine import Engine

MEMORY_FACTS = Path("/proc/meminfo")
AVAILABLE = re.compile(r"^MemAvailable:\s*(\d+) kB", re.MULTILINE)
CGROUP_LIMIT, CGROUP_USED = (
    Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory.current")
)
SHARE = 0.6  # of what is free may be used for a network's activations
MOST = 900 << 20  # bytes of them in the machine's memory: larger tiles save nothing
LEVELS_BYTES = 4 * 3 * 2  # the finished picture at a packed pixel: four of three colours
FRAME_BYTES = LEVELS_BYTES + 4 * 4 + 4 * 2  # the same, the planes and the counts
PICTURE_BYTES = LEVELS_BYTES + 4 * 3 * 4  # the same, with the network's picture before it
ALIGNMENT = 64  # at most, of any network
SMALLEST_CORE = 128  # packed pixels a side; with less, a tile is hardly more than its halo
UNKNOWN = 4 << 30  # assumed free where the system does not say


def free_memory(device: str) -> int:
    """Return the bytes that are free on the device, or in the machine for the CPU."""
    if device.startswith("cuda"):
        import torch  # noqa: PLC0415 - loaded by now; planning a batch does without

        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept  # torch keeps what was given back
    try:
        free = int(AVAILABLE.findall(MEMORY_FACTS.read_text())[0]) << 10
    except (OSError, IndexError):
        return UNKNOWN
    try:
        left = int(CGROUP_LIMIT.read_text()) - int(CGROUP_USED.read_text())
    except (OSError, ValueError):
        return free
    return min(free, max(left, 0))


def tile_budget(device: str) -> int:
    """Return the bytes that a tile may take where nobody says."""
    share = int(free_memory(device) * SHARE)
    return min(share, MOST) if device.startswith("cpu") else share


def most_pixels(
    engine: Engine,
    max_memory: int | None,
    *,
    shape: tuple[int, int],
    halo: int,
    beside: int = PICTURE_BYTES,
) -> int:
    """Return how many packed pixels a tile may hold, halo included.

    Args:
        engine: what will run.
        max_memory: bytes that all of darkroom may use; None for a share of what is free.
        shape: packed rows and columns of the frame, whose picture must fit beside the tile.
        halo: packed pixels around a tile.
        beside: bytes that each packed pixel of the frame is going to take, besides its planes.

    Raises:
        FileProblem: the limit leaves no room for a tile of sensible size.
    """
    frame = shape[0] * shape[1]
    smallest = min(frame, (2 * halo + SMALLEST_CORE) ** 2)
    if max_memory is None:
        share = tile_budget(engine.device) // engine.bytes_per_pixel
        return min(max(share, smallest), frame_limit(shape))
    held = resident() + engine.runtime_bytes + frame * beside
    needed = held + smallest * engine.bytes_per_pixel
    if needed > max_memory:
        raise FileProblem(
            FailureCode.OOM_HOST,
            f"this frame needs {needed >> 20} MB, {max_memory >> 20} MB are allowed",
            "raise --max-memory",
        )
    return min((max_memory - held) // engine.bytes_per_pixel, frame_limit(shape))


def frame_limit(shape: tuple[int, int]) -> int:
    """Return the pixels of the whole frame, alignment included: more are never of use.

    Whoever halves the limit because memory ran out gets smaller tiles at once.
    """
    return (shape[0] + ALIGNMENT) * (shape[1] + ALIGNMENT)


def resident() -> int:
    """Return the bytes this process holds now (0 where the system does not say)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
