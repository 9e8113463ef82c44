"""Structural similarity on several scales, as its paper defines it.

Wang, Simoncelli, Bovik 2003, "Multi-scale structural similarity for image quality assessment",
equation 7: contrast and structure on five scales, luminance on the coarsest alone, each to the
power of its weight. As in the authors' program, each scale is the mean of its map, the next scale
is the mean of 2 x 2 pixels, and the edge of an odd size is repeated first. The window and the
constants are those of `darkroom.measure.ssim`.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from darkroom.measure.ssim import (
    WINDOW,
    Floats,
    contrast,
    mean_over_windows,
    require_pictures,
    similarity,
)

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, finest first
SMALLEST = WINDOW * 2 ** (len(WEIGHTS) - 1)  # 176: the window fits the coarsest scale


def ms_ssim(truth: npt.ArrayLike, result: npt.ArrayLike) -> float:
    """Return the multi-scale structural similarity of two pictures, 1 if they are equal.

    Args:
        truth: (H, W) or (H, W, 3) floats in [0, 1]; 176 x 176 or larger.
        result: picture of the same shape.

    Returns:
        Mean over the channels. A channel without likeness on some scale counts 0, because a
        negative mean has no power.

    Raises:
        ValueError: shapes differ, are not those of pictures, or a side is below 176.

    >>> ramp = np.linspace(0, 1, 176) * np.ones((176, 1))
    >>> round(ms_ssim(ramp, ramp), 3), round(ms_ssim(ramp, ramp**2), 3)
    (1.0, 0.924)
    """
    truth, result = np.asarray(truth), np.asarray(result)
    require_pictures(truth, result)
    if min(truth.shape[:2]) < SMALLEST:
        raise ValueError(
            f"a picture of {truth.shape} is smaller than 176 x 176: five scales need it"
        )
    return score_on_scales(truth, result, WEIGHTS)


def score_on_scales(
    truth: npt.NDArray[np.generic], result: npt.NDArray[np.generic], weights: Sequence[float]
) -> float:
    """Return the similarity on as many scales as there are weights."""
    if truth.ndim == 3:
        channels = range(truth.shape[2])
        scores = [score_on_scales(truth[..., c], result[..., c], weights) for c in channels]
        return float(np.mean(scores))
    score = 1.0
    for scale, weight in enumerate(weights, 1):
        map_of = similarity if scale == len(weights) else contrast
        score *= max(mean_over_windows(map_of, truth, result), 0.0) ** weight
        truth, result = halved(truth), halved(result)
    return score


def weights_for(side: int) -> tuple[float, ...]:
    """Return the weights of the scales that a picture with this shorter side has.

    All five from 176 pixels on, four from 88, three from 44, two from 22, one from 11. Fewer than
    five are scaled to the sum 1, so that scores stay comparable.

    >>> [len(weights_for(side)) for side in (11, 22, 64, 128, 256)]
    [1, 2, 3, 4, 5]

    Raises:
        ValueError: the side is below 11, the size of the window.
    """
    if side < WINDOW:
        raise ValueError(f"a picture {side} pixels wide is smaller than the 11 x 11 window")
    if side >= SMALLEST:
        return WEIGHTS
    some = WEIGHTS[: (side // WINDOW).bit_length()]
    return tuple(weight / sum(some) for weight in some)


def halved(picture: npt.NDArray[np.generic]) -> Floats:
    """Return the means of 2 x 2 pixels, (H, W) -> (H / 2, W / 2) rounded up."""
    rows, columns = picture.shape
    even = np.pad(picture.astype(np.float64), ((0, rows % 2), (0, columns % 2)), "edge")
    return np.asarray((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)
