"""Structural similarity, as its paper defines it, and as two programs of others do.

Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment: from error visibility to
structural similarity": an 11 x 11 Gaussian window of sigma 1.5 wherever it lies inside the
picture, K1 = 0.01, K2 = 0.03. Libraries differ in the window and at the border, so that their
numbers do not compare; these equal scikit-image's with gaussian_weights=True, sigma=1.5 and
use_sample_covariance=False. The window `UNIFORM` is what scikit-image does if nothing is said;
`darkroom.measure.ssim_volume` is MATLAB's.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from darkroom.measure.threads import in_threads

Floats = npt.NDArray[np.float64]
Picture = npt.NDArray[np.generic]

WINDOW = 11
SIGMA = 1.5
C1 = 0.01**2  # (K1 L)^2 with the data range L = 1
C2 = 0.03**2
TILE = 192  # results a side: fits the cache
BLOCK = 16  # rows of results a product: short bands hold few zeros, and BLAS starts no threads


@dataclass(frozen=True)
class Window:
    """A window, the same along rows and columns.

    Attributes:
        weights: along one of them, sum 1.
        unbiased: what variances and covariances are multiplied by.
    """

    weights: tuple[float, ...]
    unbiased: float = 1.0

    @property
    def size(self) -> int:
        """Pixels a side."""
        return len(self.weights)


def gaussian(size: int, sigma: float) -> Window:
    """Return a Gaussian window.

    >>> [round(weight, 3) for weight in gaussian(3, 1).weights]
    [0.274, 0.452, 0.274]
    """
    bell = [math.exp(-((x - size // 2) ** 2) / (2 * sigma**2)) for x in range(size)]
    return Window(tuple(value / sum(bell) for value in bell))


GAUSSIAN = gaussian(WINDOW, SIGMA)
UNIFORM = Window((1 / 7,) * 7, unbiased=49 / 48)


@dataclass(frozen=True)
class Statistics:
    """Of the windows at every place: the means' product and sum of squares, and the others'."""

    product: Floats
    squares: Floats
    covariance: Floats
    variances: Floats


Map = Callable[[Statistics], Floats]


def ssim(truth: npt.ArrayLike, result: npt.ArrayLike, window: Window = GAUSSIAN) -> float:
    """Return the mean structural similarity of two pictures, 1 if they are equal.

    Args:
        truth: (H, W) or (H, W, C) floats in [0, 1]; not smaller than the window.
        result: picture of the same shape.
        window: the paper's 11 x 11, or `UNIFORM`.

    Returns:
        Mean over all places of the window and all channels.

    Raises:
        ValueError: shapes differ, are not those of pictures, or are smaller than the window.
    """
    truth, result = np.asarray(truth), np.asarray(result)
    require_pictures(truth, result, window)
    if truth.ndim == 3:
        channels = range(truth.shape[2])
        return float(np.mean([ssim(truth[..., c], result[..., c], window) for c in channels]))
    return mean_over_windows(similarity, truth, result, window)


def mean_over_windows(
    map_of: Map, truth: Picture, result: Picture, window: Window = GAUSSIAN
) -> float:
    """Return the mean of `similarity` or `contrast` over all places of the window: one channel."""
    rows, columns = (size - window.size + 1 for size in truth.shape)

    def total(tile: tuple[slice, slice]) -> float:
        return float(map_of(statistics(truth[tile], result[tile], window)).sum())

    tiles = list(tiles_of(rows, columns, window))
    return sum(in_threads(total, tiles)) / float(rows * columns)


def similarity(of: Statistics) -> Floats:
    """Return the map of similarities, l c s of the paper."""
    alike = (2 * of.product + C1) * (2 * of.covariance + C2)
    return np.asarray(alike / ((of.squares + C1) * (of.variances + C2)))


def contrast(of: Statistics) -> Floats:
    """Return the map of contrast and structure, c s of the paper, without the luminance."""
    return np.asarray((2 * of.covariance + C2) / (of.variances + C2))


def statistics(truth: Picture, result: Picture, window: Window) -> Statistics:
    """Return what the window sees of one channel, (h, w) -> (h - size + 1, w - size + 1)."""
    moments = np.empty((truth.shape[0], 4, truth.shape[1]))
    moments_into(moments, truth, result)
    return from_moments(np.moveaxis(blurred(moments, window), 1, 0), window)


def moments_into(moments: Floats, truth: Picture, result: Picture) -> None:
    """Fill (h, 4, w): truth, result, the sum of their squares and their product."""
    x, y, squares, product = np.moveaxis(moments, 1, 0)
    x[...], y[...] = truth, result
    np.multiply(x, x, out=squares)
    np.multiply(y, y, out=product)
    squares += product
    np.multiply(x, y, out=product)


def from_moments(blurred_moments: Floats, window: Window) -> Statistics:
    """Return the statistics of moments (4, ...) that the window has averaged."""
    mean_truth, mean_result, square, both = blurred_moments
    product = mean_truth * mean_result
    squares = mean_truth**2 + mean_result**2
    covariance, variances = both - product, square - squares
    if window.unbiased != 1:
        covariance *= window.unbiased
        variances *= window.unbiased
    return Statistics(product, squares, covariance, variances)


def blurred(stack: Floats, window: Window) -> Floats:
    """Average (h, n, w) over the window wherever it lies inside: n pictures side by side."""
    down = _along_rows(stack, window)
    return _along_rows(np.ascontiguousarray(down.transpose(2, 1, 0)), window).transpose(2, 1, 0)


def _along_rows(stack: Floats, window: Window) -> Floats:
    """Average over the first axis: products with small matrices are faster than shifted sums."""
    flat, reach = stack.reshape(len(stack), -1), window.size - 1
    averaged = np.empty((len(flat) - reach, flat.shape[1]))
    for top in range(0, len(averaged), BLOCK):
        bottom = min(top + BLOCK, len(averaged))
        band = _band(bottom - top + reach, window)
        np.matmul(band, flat[top : bottom + reach], out=averaged[top:bottom])
    return averaged.reshape(-1, *stack.shape[1:])


def window_matrix(size: int, window: Window = GAUSSIAN) -> Floats:
    """Return a window as a band matrix, (size - 10, size) for the paper's; rows sum to 1."""
    rows = size - window.size + 1
    band = np.zeros((rows, size))
    for offset, weight in enumerate(window.weights):
        band[np.arange(rows), np.arange(rows) + offset] = weight
    return band


_band = lru_cache(maxsize=64)(window_matrix)


def tiles_of(rows: int, columns: int, window: Window) -> Iterator[tuple[slice, slice]]:
    """Yield the parts of the picture that give every one of (rows, columns) results once."""
    reach = window.size - 1
    for top in range(0, rows, TILE):
        for left in range(0, columns, TILE):
            bottom, right = min(top + TILE, rows), min(left + TILE, columns)
            yield slice(top, bottom + reach), slice(left, right + reach)


def require_pictures(truth: Picture, result: Picture, window: Window = GAUSSIAN) -> None:
    """Refuse with a ValueError what is not two pictures of one shape, as large as the window."""
    if truth.shape != result.shape:
        raise ValueError(f"pictures differ in shape: {truth.shape} and {result.shape}")
    if truth.ndim not in (2, 3):
        raise ValueError(f"a picture has shape (H, W) or (H, W, 3), not {truth.shape}")
    if min(truth.shape[:2]) < window.size:
        side = f"{window.size} x {window.size}"
        raise ValueError(f"a picture of {truth.shape} is smaller than the {side} window")
