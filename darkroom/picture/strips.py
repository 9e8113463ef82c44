"""Pictures cut into strips of rows, worked on by all cores.

numpy, OpenCV and the compressors let go of the interpreter while they work, so threads will do.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint16]
Encoded = TypeVar("Encoded")

STRIP_ROWS = 64  # of a file
BAND_ROWS = 128  # of a picture, for one thread at a time
MOST_THREADS = 8  # beyond, the disk is slower than the compressor


def strip_count(rows: int) -> int:
    """Return how many strips a picture of `rows` rows has.

    >>> strip_count(64), strip_count(65)
    (1, 2)
    """
    return -(-rows // STRIP_ROWS)


def strips_within(rows: slice, height: int) -> Iterator[slice]:
    """Yield slices of at most `height` rows that make up `rows`.

    >>> list(strips_within(slice(10, 15), 3))
    [slice(10, 13, None), slice(13, 15, None)]
    """
    for top in range(rows.start, rows.stop, height):
        yield slice(top, min(top + height, rows.stop))


def on_all_cores(work: Callable[[slice], None], rows: int) -> None:
    """Call `work` with slices that make up `rows` rows, several at once."""
    bands = list(strips_within(slice(0, rows), BAND_ROWS))
    if len(bands) <= 1:
        for band in bands:
            work(band)
        return
    with ThreadPoolExecutor(_threads(len(bands))) as pool:
        for _ in pool.map(work, bands):
            pass  # an error of any of them is raised here


def encoded_strips(encode: Callable[[Pixels], Encoded], pixels: Pixels) -> Iterator[Encoded]:
    """Yield `encode(strip)` for the strips of `pixels`, (H, W, 3), from the top.

    Several are encoded at once.
    """
    strips = [pixels[rows] for rows in strips_within(slice(0, len(pixels)), STRIP_ROWS)]
    with ThreadPoolExecutor(_threads(len(strips))) as pool:
        yield from pool.map(encode, strips)


def _threads(pieces: int) -> int:
    return min(os.cpu_count() or 1, MOST_THREADS, pieces)
