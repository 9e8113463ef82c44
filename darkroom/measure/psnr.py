"""Peak signal-to-noise ratio."""

import math

import numpy as np
import numpy.typing as npt


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
    truth, result = np.asarray(truth), np.asarray(result)
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.size == 0:
        raise ValueError("the pictures are empty")
    error = np.subtract(truth, result, dtype=np.float64)
    mean_square = float(np.square(error, out=error).mean())
    if mean_square == 0:
        return math.inf
    return 10 * math.log10(peak**2 / mean_square)
