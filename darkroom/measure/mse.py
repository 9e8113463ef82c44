"""Mean squared error."""

import numpy as np
import numpy.typing as npt


def mse(truth: npt.ArrayLike, result: npt.ArrayLike) -> float:
    """Return the mean of the squared differences; 0 for equal pictures.

    Args:
        truth: picture of any shape.
        result: picture of the same shape.

    Returns:
        The mean over all pixels and channels, in the square of the pictures' unit.

    Raises:
        ValueError: the pictures differ in shape, or are empty.

    >>> round(mse([0.5, 0.5], [0.6, 0.4]), 6)
    0.01
    """
    truth, result = np.asarray(truth), np.asarray(result)
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.size == 0:
        raise ValueError("the pictures are empty")
    error = np.subtract(truth, result, dtype=np.float64)
    return float(np.square(error, out=error).mean())
