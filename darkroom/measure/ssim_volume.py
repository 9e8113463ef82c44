"""Structural similarity of a picture as MATLAB's `ssim` takes it: colours are a third direction.

Without options, MATLAB treats an RGB picture as a volume ("DataFormat" is "SSS"): its Gaussian
window of sigma 1.5 is 11 x 11 x 11, pixels and channels beyond the edge repeat the last ones, and
the mean is taken over the whole picture. Constants as in Wang et al. 2004. Numbers published for
"Learning to See in the Dark" are of this kind; they do not compare with the mean of the channels.
"""

import numpy as np
import numpy.typing as npt

from darkroom.measure.ssim import (
    GAUSSIAN,
    WINDOW,
    Floats,
    blurred,
    from_moments,
    moments_into,
    similarity,
    tiles_of,
)
from darkroom.measure.threads import in_threads

REACH = WINDOW // 2


def ssim_volume(truth: npt.ArrayLike, result: npt.ArrayLike) -> float:
    """Return the mean structural similarity of two volumes, 1 if they are equal.

    Args:
        truth: (H, W, C) floats in [0, 1]; any size, for the edge is repeated.
        result: picture of the same shape.

    Raises:
        ValueError: shapes differ, or are not (H, W, C) with a pixel.

    >>> ramp = np.linspace(0, 1, 48).reshape(4, 4, 3)
    >>> round(ssim_volume(ramp, ramp), 6)
    1.0
    """
    truth, result = np.asarray(truth), np.asarray(result)
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.ndim != 3 or truth.size == 0:
        raise ValueError(f"a volume has shape (H, W, C) and a pixel, not {truth.shape}")
    rows, columns, channels = truth.shape
    padded = [
        np.pad(picture, ((REACH, REACH), (REACH, REACH), (0, 0)), "edge")
        for picture in (truth, result)
    ]
    mix = channel_window(channels)

    def total(tile: tuple[slice, slice]) -> float:
        return _sum_of_similarities(padded[0][tile], padded[1][tile], mix)

    tiles = list(tiles_of(rows, columns, GAUSSIAN))
    return sum(in_threads(total, tiles)) / float(truth.size)


def _sum_of_similarities(
    truth: npt.NDArray[np.generic], result: npt.NDArray[np.generic], mix: Floats
) -> float:
    """Return the sum over the places where the window lies inside (h, w, C)."""
    rows, columns, channels = truth.shape
    moments = np.empty((rows, 4, channels, columns))
    for channel in range(channels):
        moments_into(moments[:, :, channel], truth[..., channel], result[..., channel])
    flat = blurred(moments.reshape(rows, -1, columns), GAUSSIAN)
    averaged = flat.reshape(len(flat), 4, channels, -1)
    mixed = np.moveaxis(np.tensordot(averaged, mix, axes=(2, 1)), 1, 0)
    return float(similarity(from_moments(mixed, GAUSSIAN)).sum())


def channel_window(channels: int) -> Floats:
    """Return the window along the channels, (C, C): beyond the first and last they repeat.

    >>> channel_window(1).round(6).tolist()
    [[1.0]]
    """
    mix = np.zeros((channels, channels))
    for channel in range(channels):
        for offset, weight in enumerate(GAUSSIAN.weights):
            mix[channel, min(max(channel + offset - REACH, 0), channels - 1)] += weight
    return mix
