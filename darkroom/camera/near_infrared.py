"""Frames of near-infrared cameras: no colours, one grey picture."""

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import linear_mosaic
from darkroom.camera.raw import MONO, RawImage


def near_infrared(raw: RawImage) -> npt.NDArray[np.float32]:
    """Return the linear near-infrared picture of a frame: each 2x2 cell of Bayer is one pixel.

    The four planes are averaged after black and white level, without white balance: beyond
    about 850 nm all filters of a Bayer sensor let nearly the same light pass.

    Args:
        raw: a frame (H, W) of a Bayer or a monochrome sensor.

    Returns:
        (H // 2, W // 2), of a monochrome sensor (H, W): black at 0, white at 1, noise below black
        negative.
    """
    linear = linear_mosaic(raw)
    if raw.phase == MONO:
        return linear
    rows, columns = (side // 2 * 2 for side in linear.shape)
    cells = (linear[row:rows:2, column:columns:2] for row in (0, 1) for column in (0, 1))
    return np.asarray(sum(cells) / np.float32(4), np.float32)
