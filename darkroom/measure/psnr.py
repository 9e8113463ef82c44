"""Peak signal-to-noise ratio."""

import math

import numpy.typing as npt

from darkroom.measure.mse import mse


def psnr(truth: npt.ArrayLike, result: npt.ArrayLike, *, peak: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio in dB: 10 log10(peak^2 / mean squared error).

    Args:
        truth: picture of any shape.
        result: picture of the same shape.
        peak: value of white: 1.0 for floats, 255 or 65535 for integers.

    Returns:
        Decibels; infinity for equal pictures.

    Raises:
        ValueError: the pictures differ in shape, or are empty.

    >>> round(psnr([0.5, 0.5], [0.6, 0.4]), 6)
    20.0
    """
    error = mse(truth, result)
    return 10 * math.log10(peak**2 / error) if error else math.inf
