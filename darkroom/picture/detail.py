"""Fine detail for a picture that knows its colours only coarsely: the fast guided filter.

He, Sun 2015, "Fast Guided Filter" (arXiv:1505.00996): the straight lines of the guided filter are
fitted at a small size, and only the lines are enlarged. Applied to the guide at its full size they
give back its edges.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from darkroom.picture.guided_filter import GuidedFilter, guided_filter, guided_lines
from darkroom.picture.resampling import enlarged_rows, shrunk

FloatArray = npt.NDArray[np.float32]

MOST_FITTED = 2_000_000  # pixels; larger pictures are fitted at this size
STRIP = 32  # rows at a time: the lines of a strip stay in the processor's cache
MOST_THREADS = 4  # beyond, memory is slower than the processors


def with_detail(picture: FloatArray, guide: FloatArray, settings: GuidedFilter) -> FloatArray:
    """Return the picture at the size of the guide, with the edges that the guide shows.

    A small picture of the guide's own size is filtered exactly. Any other is fitted at its own
    size, or at two megapixels if it is larger; the radius shrinks with it, down to one pixel.

    Args:
        picture: (C, h, w), the scene of the guide in colour, at most as large.
        guide: (H, W), grey.
        settings: radius in pixels of the guide, and eps.

    Returns:
        (C, H, W).
    """
    shape = (picture.shape[1], picture.shape[2])
    if shape == guide.shape and guide.size <= MOST_FITTED:
        source = np.moveaxis(picture, 0, -1)
        exact = guided_filter(guide, source, radius=settings.radius, eps=settings.eps)
        return np.moveaxis(exact, -1, 0)
    fitted = fitting_shape(shape)
    radius = max(round(settings.radius * max(fitted) / max(guide.shape)), 1)
    small = shrunk(guide[None], fitted)[0]
    lines = guided_lines(small, shrunk(picture, fitted), radius=radius, eps=settings.eps)
    return followed(lines, guide)


def fitting_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the rows and columns at which a picture of a shape is fitted.

    >>> fitting_shape((384, 512)), fitting_shape((3000, 4000))
    ((384, 512), (1225, 1633))
    """
    scale = min(math.sqrt(MOST_FITTED / (shape[0] * shape[1])), 1.0)
    return max(round(shape[0] * scale), 1), max(round(shape[1] * scale), 1)


def followed(lines: FloatArray, guide: FloatArray) -> FloatArray:
    """Return slope * guide + offset, (C, H, W), of lines (2 C, h, w) that are enlarged on the way.

    Strips are worked on in several threads: numpy lets go of the interpreter while it computes.
    """
    count = len(lines) // 2
    picture = np.empty((count, *guide.shape), np.float32)

    def fill(top: int) -> None:
        span = slice(top, min(top + STRIP, len(guide)))
        strip = enlarged_rows(lines, (guide.shape[0], guide.shape[1]), span)
        np.multiply(strip[:count], guide[span], out=picture[:, span])
        picture[:, span] += strip[count:]

    threads = min(os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(guide), STRIP)))
    return picture
