"""Coded pictures as the 16-bit levels of a file."""

import numpy as np
import numpy.typing as npt

from darkroom.picture.render import quantise


def levels_of(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return a coded picture (C, H, W), clipped to [0, 1], as levels (H, W, 3).

    Args:
        picture: sRGB of three channels; or grey, which gets three equal ones.

    Raises:
        FileProblem: E_NONFINITE if it holds NaN or infinity.
    """
    return quantise(picture)
