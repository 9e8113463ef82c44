"""Memory without a name that two processes share: one writes a frame, the other takes it over.

The decoder process maps the memory and decodes into it; its parent gets the pixels without a copy.
Nothing is left behind when a process dies. On Linux the memory is sealed: the writer can neither
shrink it, which would kill the reader, nor change a frame that the reader has taken.
"""

import mmap
import os
import tempfile

import numpy as np

from darkroom.camera.rowcheck import Counts

try:
    import fcntl

    HAS_SEALS = hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")
except ImportError:  # Windows
    HAS_SEALS = False

BYTES_PER_PIXEL = 2


class StillWritten(Exception):
    """The writer holds on to a frame that it said was complete."""


def create(shape: tuple[int, int]) -> int:
    """Return the descriptor of new shared memory for (H, W) counts, all of them 0."""
    size = shape[0] * shape[1] * BYTES_PER_PIXEL
    if not HAS_SEALS:
        with tempfile.TemporaryFile() as file:
            file.truncate(size)
            return os.dup(file.fileno())
    memory = os.memfd_create("frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, size)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    return memory


def map_to_write(memory: int, shape: tuple[int, int]) -> Counts:
    """Return the shared memory as (H, W) counts to write; it is unmapped with the array."""
    mapping = mmap.mmap(memory, shape[0] * shape[1] * BYTES_PER_PIXEL)
    return np.frombuffer(mapping, np.uint16).reshape(shape)


def take(memory: int, shape: tuple[int, int]) -> Counts:
    """Return a complete frame as (H, W) counts, the caller's own; they are freed with the array.

    Raises:
        StillWritten: the writer has not unmapped it.
    """
    size = shape[0] * shape[1] * BYTES_PER_PIXEL
    if not HAS_SEALS:
        counts = np.zeros(shape, np.uint16)
        if os.preadv(memory, [counts.data.cast("B")], 0) < size:
            raise StillWritten  # or cut: not to be used either way
        return counts
    try:
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    except OSError as error:
        raise StillWritten from error
    mapping = mmap.mmap(memory, size, access=mmap.ACCESS_COPY)
    return np.frombuffer(mapping, np.uint16).reshape(shape)
