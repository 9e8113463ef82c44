"""Angle between colours: an error of hue and saturation that no change of brightness makes."""

import numpy as np
import numpy.typing as npt

from darkroom.measure.threads import in_threads

STRIP = 8  # rows at a time: they stay in the processor's cache


def angular_error(truth: npt.ArrayLike, result: npt.ArrayLike) -> float:
    """Return the mean angle, in degrees, between the RGB vectors of two pictures.

    Suarez, Sappa, Vintimilla 2017, "Infrared image colorization based on a triplet DCGAN
    architecture" (CVPR workshops): arccos(t.r / (|t| |r|)) of the values as the pictures code
    them, mean over the pixels. It is worked out as atan2(|t x r|, t.r), the same angle without
    the rounding of an arccos near 1. Black has no direction and counts as grey: two black pixels
    are equal, and nothing is divided by zero.

    Args:
        truth: (..., 3) sRGB, 0 or more.
        result: likewise, of the same shape.

    Returns:
        0 for equal hue and saturation, up to 90.

    Raises:
        ValueError: shapes differ, the last axis is not 3 long, or there is no pixel.

    >>> round(angular_error([[0.2, 0.0, 0.0]], [[0.0, 0.0, 0.9]]))
    90
    """
    truth, result = np.asarray(truth, np.float32), np.asarray(result, np.float32)
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.shape[-1:] != (3,) or truth.size == 0:
        raise ValueError(f"pictures have shape (..., 3) and a pixel, not {truth.shape}")
    rows = [picture.reshape(len(picture), -1, 3) for picture in map(np.atleast_2d, (truth, result))]

    def total(top: int) -> float:
        return float(angles(*(part[top : top + STRIP] for part in rows)).sum())

    return sum(in_threads(total, range(0, len(rows[0]), STRIP))) / (truth.size // 3)


def angles(truth: npt.ArrayLike, result: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the angles in degrees between RGB vectors, (..., 3) twice -> (...).

    >>> angles([0.5, 0.5, 0.0], [[1.0, 1.0, 0.0], [0.0, 0.3, 0.0]]).round(6).tolist()
    [0.0, 45.0]
    """
    truth, result = _coloured(truth), _coloured(result)
    across = np.sqrt((np.cross(truth, result) ** 2).sum(axis=-1))
    along = (truth * result).sum(axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, along)), np.float64)


def _coloured(srgb: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the vectors (..., 3) with grey for black."""
    vectors = np.asarray(srgb, np.float64)
    return np.where((vectors == 0).all(axis=-1, keepdims=True), 1.0, vectors)
