"""Coded pictures as the 16-bit levels of a file."""

import numpy as np
import numpy.typing as npt

from darkroom.picture.render import quantise

STRIP = 64  # rows at a time: bounds the copies


def levels_of(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return a coded picture (C, H, W), clipped to [0, 1], as levels (H, W, 3).

    Args:
        picture: sRGB of three channels; or grey, which gets three equal ones.

    Raises:
        FileProblem: E_NONFINITE if it holds NaN or infinity.
    """
    _, rows, columns = picture.shape
    levels = np.empty((rows, columns, 3), np.uint16)
    for top in range(0, rows, STRIP):
        levels[top : top + STRIP] = quantise(picture[:, top : top + STRIP])
    return levels
