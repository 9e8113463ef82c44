"""The guided filter: smooth a picture, keep the edges of a guide.

He, Sun, Tang 2010, "Guided image filtering" (ECCV; PAMI 2013). In every window the result is a
straight line over the guide, a * guide + b, fitted to the source; where the guide varies by
much more than `eps` the line follows it, elsewhere it flattens to the mean.

Written here because OpenCV has it only in its contrib packages, and because that version loses
its precision when eps is small against guides in [0, 1].
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STRIP = 128  # rows at a time: bounds the float64 copies and keeps them in the cache


@dataclass(frozen=True)
class GuidedFilter:
    """Settings of the optional guided-filter pass."""

    radius: int
    eps: float


def smooth_linear(
    linear: npt.NDArray[np.float32], settings: GuidedFilter
) -> npt.NDArray[np.float32]:
    """Smooth a linear picture (3, H, W) along its own edges.

    The filter works on square roots, which code light nearly as the eye does: one `eps` then
    means the same in shadows and highlights. The guide is their mean over the channels.
    """
    root = np.sqrt(np.maximum(np.moveaxis(linear, 0, -1), 0))
    filtered = guided_filter(root.mean(-1), root, radius=settings.radius, eps=settings.eps)
    return np.moveaxis(np.maximum(filtered, 0) ** 2, -1, 0)


def guided_filter(
    guide: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
    *,
    radius: int,
    eps: float,
) -> npt.NDArray[np.float32]:
    """Smooth `source`, keeping the edges that `guide` shows.

    Equations 5, 6 and 8 of the paper. Means are taken over the part of a window that lies inside
    the picture. Sums run in float64: variances of bright flat areas are small differences.

    Args:
        guide: (H, W) grey picture, for instance the luminance of `source`.
        source: (H, W) or (H, W, C).
        radius: pixels from the centre of a window to its edge, 1 or more; may exceed the picture.
        eps: variance of the guide, above 0; detail with a standard deviation of sqrt(eps) keeps
            half its height.

    Returns:
        float32 of the shape of `source`.

    Raises:
        ValueError: radius or eps out of range, or shapes that do not belong together.
    """
    _require_sizes(guide, source, radius, eps)
    radius = min(radius, max(guide.shape))  # windows end at the picture anyway
    filtered = np.empty(source.shape, np.float32)
    channels = np.atleast_3d(filtered)  # a view, as the strips below are
    for inner, outer, cut in _strips(len(guide), radius):
        strip = _filter(guide[outer], np.atleast_3d(source)[outer], radius, eps)
        for channel, values in enumerate(strip):
            channels[inner, :, channel] = values[cut]
    return filtered


def guided_lines(
    guide: npt.NDArray[np.float32],
    source: npt.NDArray[np.float32],
    *,
    radius: int,
    eps: float,
) -> npt.NDArray[np.float32]:
    """Return the straight lines over the guide that `guided_filter` follows, of each pixel.

    The means of a and b in equation 8 of the paper: `guided_filter` is slope * guide + offset.

    Args:
        guide: (H, W) grey picture.
        source: (C, H, W).
        radius: as for `guided_filter`.
        eps: likewise.

    Returns:
        (2 C, H, W): the slopes of all channels, then their offsets.

    Raises:
        ValueError: as `guided_filter` does.
    """
    _require_sizes(guide, np.moveaxis(source, 0, -1), radius, eps)
    radius = min(radius, max(guide.shape))
    lines = np.empty((2, *source.shape), np.float32)
    for inner, outer, cut in _strips(len(guide), radius):
        strip = _lines(guide[outer].astype(np.float64), source[:, outer], radius, eps)
        for channel, line in enumerate(strip):
            for values, target in zip(line, lines[:, channel], strict=True):
                target[inner] = values[cut]
    return lines.reshape(-1, *guide.shape)


def _filter(
    guide: npt.NDArray[np.float32], source: npt.NDArray[np.float32], radius: int, eps: float
) -> Iterator[Floats]:
    """Yield the channels of one strip, filtered as if it were the whole picture."""
    g = guide.astype(np.float64)
    for slope, offset in _lines(g, np.moveaxis(source, -1, 0), radius, eps):
        yield slope * g + offset


def _lines(
    g: Floats, source: npt.NDArray[np.float32], radius: int, eps: float
) -> Iterator[tuple[Floats, Floats]]:
    """Yield the mean slope and offset of each channel of `source`, (C, H, W), over the guide."""
    share = 1 / _box_sum(np.ones(g.shape), radius)  # 1 / pixels of each window

    def mean(picture: Floats) -> Floats:
        return _box_sum(picture, radius) * share

    mean_g = mean(g)
    variance = mean(g * g) - mean_g**2
    for channel in source:
        s = channel.astype(np.float64)
        mean_s = mean(s)
        a = (mean(g * s) - mean_g * mean_s) / (variance + eps)
        b = mean_s - a * mean_g
        yield mean(a), mean(b)


def _box_sum(picture: Floats, radius: int) -> Floats:
    """Return the sum over each window, nothing outside the picture."""
    size = (2 * radius + 1, 2 * radius + 1)
    sums = cv2.boxFilter(picture, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(sums, np.float64)


def _strips(rows: int, radius: int) -> Iterator[tuple[slice, slice, slice]]:
    """Yield (rows of the result, rows it depends on, rows of the result among those)."""
    reach = 2 * radius  # two window means, one after the other
    for top in range(0, rows, STRIP):
        bottom = min(top + STRIP, rows)
        first = max(top - reach, 0)
        yield (
            slice(top, bottom),
            slice(first, min(bottom + reach, rows)),
            slice(top - first, bottom - first),
        )


def _require_sizes(
    guide: npt.NDArray[np.float32], source: npt.NDArray[np.float32], radius: int, eps: float
) -> None:
    if radius < 1:
        raise ValueError(f"the radius of the guided filter is 1 or more, not {radius}")
    if not eps > 0:
        raise ValueError(f"eps of the guided filter is above 0, not {eps}")
    if guide.ndim != 2 or source.ndim not in (2, 3) or source.shape[:2] != guide.shape:
        raise ValueError(
            f"a guide (H, W) with a source (H, W) or (H, W, C) is needed, "
            f"not {guide.shape} with {source.shape}"
        )
