"""Pictures compressed strip by strip on all cores, for the formats that allow it.

The compressor is zlib's run-length strategy (level and window play no part in it). The
differences between neighbouring 16-bit pixels of a photograph hold next to no repeated
sequences, so searching for them, as the levels do, costs time and finds nothing.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint16]
Encoded = TypeVar("Encoded")

STRIP_ROWS = 64
MOST_THREADS = 8  # beyond, the disk is slower than the compressor
ZLIB_STREAM, BARE_DEFLATE = 15, -15  # window bits: with and without zlib's own header


def strip_count(rows: int) -> int:
    """Return how many strips a picture of `rows` rows has.

    >>> strip_count(64), strip_count(65)
    (1, 2)
    """
    return -(-rows // STRIP_ROWS)


def encoded_strips(encode: Callable[[Pixels], Encoded], pixels: Pixels) -> Iterator[Encoded]:
    """Yield `encode(strip)` for the strips of `pixels`, (H, W, 3), from the top.

    Several threads encode at once: numpy and zlib let go of the interpreter while they work.
    """
    strips = [pixels[top : top + STRIP_ROWS] for top in range(0, len(pixels), STRIP_ROWS)]
    threads = min(os.cpu_count() or 1, MOST_THREADS, len(strips))
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(encode, strips)


def deflate(content: npt.NDArray[np.generic], *, window_bits: int, ending: int) -> bytes:
    """Compress the bytes of a contiguous array.

    Args:
        content: the array.
        window_bits: ZLIB_STREAM or BARE_DEFLATE.
        ending: zlib.Z_FINISH, or zlib.Z_SYNC_FLUSH to end on a byte where more may follow.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, window_bits, strategy=zlib.Z_RLE)
    return packer.compress(content.data) + packer.flush(ending)
