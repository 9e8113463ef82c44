"""Memory to work on a few rows of a picture: light comes in, levels go out.

It is small enough to stay in the processor's cache, and is used again for the next rows.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem

PIXELS = 24_000  # at a time: about a megabyte with all that is on the desk
UNSEEN = 64  # pixels of nothing behind those of a picture
WHOLE_PIXEL = np.dtype("V6")  # three channels, for copies that do not look inside

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Desk:
    """Arrays to work in.

    Attributes:
        light: (n, 3) float32, a picture's pixels.
        spare: the same again.
        keys: (n, 3) uint16.
        levels: likewise.
    """

    light: Floats
    spare: Floats
    keys: Levels
    levels: Levels

    @classmethod
    def for_pixels(cls, pixels: int) -> "Desk":
        """Return a desk for this many pixels."""
        size = (pixels + UNSEEN, 3)
        light, spare = np.zeros(size, "f4"), np.zeros(size, "f4")
        return cls(light, spare, np.empty(size, "u2"), np.empty(size, "u2"))

    def for_shape(self, shape: tuple[int, ...]) -> tuple[Floats, Floats, Levels, Levels]:
        """Return its arrays as pictures (h, w, 3)."""
        pixels = shape[0] * shape[1]
        floats = self.light[:pixels].reshape(shape), self.spare[:pixels].reshape(shape)
        return *floats, self.keys[:pixels].reshape(shape), self.levels[:pixels].reshape(shape)


def rows_at_a_time(columns: int) -> int:
    """Return how many rows of a picture a desk of usual size takes."""
    return max(1, PIXELS // columns)


def take(picture: Floats, pixels: Floats) -> tuple[float, float]:
    """Copy a picture to pixels, and return its smallest and its largest value.

    Args:
        picture: (3, h, w) or (1, h, w), of any layout.
        pixels: (h, w, 3) to fill.

    Raises:
        FileProblem: E_NONFINITE.
    """
    if len(picture) == 3 and picture.strides[2] == picture.itemsize:
        cv2.merge(list(picture), dst=pixels)
    else:
        np.copyto(pixels, np.moveaxis(picture, 0, -1))
    lowest, highest = float(pixels.min()), float(pixels.max())  # any that is no number comes out
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        raise FileProblem(
            FailureCode.NONFINITE,
            "the enhanced picture holds values that are not numbers",
            "try another model or --device cpu",
        )
    return lowest, highest


def put(levels: Levels, view: Levels) -> None:
    """Copy levels (h, w, 3) to their place in a picture, upright or turned."""
    if view.strides[1:] == levels.strides[1:]:
        view[...] = levels
    else:
        view.view(WHOLE_PIXEL)[...] = levels.view(WHOLE_PIXEL)
