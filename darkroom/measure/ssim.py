"""Structural similarity, as its paper defines it.

Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to
structural similarity": an 11 x 11 Gaussian window of sigma 1.5 wherever it lies inside the
picture, K1 = 0.01, K2 = 0.03. Libraries differ in the window and at the border, so that their
numbers do not compare; these equal scikit-image's with gaussian_weights=True, sigma=1.5 and
use_sample_covariance=False.
"""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Map = Callable[[Floats, Floats], Floats]

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2  # (K1 L)^2 with the data range L = 1
C2 = 0.03**2
TILE = 48  # results a side: fits the cache, and too small for BLAS to wait for busy cores


def ssim(truth: npt.ArrayLike, result: npt.ArrayLike) -> float:
    """Return the mean structural similarity of two pictures, 1 if they are equal.

    Args:
        truth: (H, W) or (H, W, 3) floats in [0, 1]; 11 x 11 or larger.
        result: picture of the same shape.

    Returns:
        Mean over all places of the window and all channels.

    Raises:
        ValueError: shapes differ, are not those of pictures, or are smaller than the window.
    """
    truth, result = np.asarray(truth), np.asarray(result)
    require_pictures(truth, result)
    if truth.ndim == 3:
        channels = range(truth.shape[2])
        return float(np.mean([ssim(truth[..., c], result[..., c]) for c in channels]))
    return mean_over_windows(similarity, truth, result)


def mean_over_windows(
    map_of: Map, truth: npt.NDArray[np.generic], result: npt.NDArray[np.generic]
) -> float:
    """Return the mean of `similarity` or `contrast` over all places of the window: one channel."""
    rows, columns = truth.shape[0] - WINDOW + 1, truth.shape[1] - WINDOW + 1
    total = 0.0
    for tile in _tiles(rows, columns):
        map_of_tile = map_of(truth[tile].astype(np.float64), result[tile].astype(np.float64))
        total += float(map_of_tile.sum())
    return total / float(rows * columns)


def similarity(truth: Floats, result: Floats) -> Floats:
    """Return the map of similarities, l c s of the paper: (h, w) -> (h - 10, w - 10)."""
    product, squares, covariance, variances = _statistics(truth, result)
    alike = (2 * product + C1) * (2 * covariance + C2)
    return np.asarray(alike / ((squares + C1) * (variances + C2)))


def contrast(truth: Floats, result: Floats) -> Floats:
    """Return the map of contrast and structure, c s of the paper, without the luminance."""
    _, _, covariance, variances = _statistics(truth, result)
    return np.asarray((2 * covariance + C2) / (variances + C2))


def _statistics(truth: Floats, result: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the means' product and sum of squares, the covariance and the sum of variances."""
    rows, columns = (window_matrix(size) for size in truth.shape)

    def blur(picture: Floats) -> Floats:
        return rows @ picture @ columns.T

    mean_truth, mean_result = blur(truth), blur(result)
    product, squares = mean_truth * mean_result, mean_truth**2 + mean_result**2
    covariance = blur(truth * result) - product
    variances = blur(truth**2 + result**2) - squares
    return product, squares, covariance, variances


def window_matrix(size: int) -> Floats:
    """Return the Gaussian window as a band matrix, (size - 10, size), rows sum to 1.

    A product with a small matrix runs faster in numpy than eleven shifted sums.
    """
    distance = np.arange(size) - np.arange(size - WINDOW + 1)[:, None] - WINDOW // 2
    band: Floats = np.exp(-(distance**2) / (2 * SIGMA**2)) * (abs(distance) <= WINDOW // 2)
    return np.asarray(band / band.sum(axis=1, keepdims=True))


def _tiles(rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of the picture that give every one of (rows, columns) results once."""
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            bottom, right = min(top + TILE, rows), min(left + TILE, columns)
            yield slice(top, bottom + WINDOW - 1), slice(left, right + WINDOW - 1)


def require_pictures(truth: npt.NDArray[np.generic], result: npt.NDArray[np.generic]) -> None:
    """Refuse with a ValueError what is not two pictures of one shape, 11 x 11 or larger."""
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.ndim not in (2, 3):
        raise ValueError(f"a picture has shape (H, W) or (H, W, 3), not {truth.shape}")
    if min(truth.shape[:2]) < WINDOW:
        raise ValueError(f"a picture of {truth.shape} is smaller than the 11 x 11 window")
