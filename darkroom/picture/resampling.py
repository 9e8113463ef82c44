"""Pictures of other sizes: shrunk by averaging areas, enlarged along straight lines."""

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]


def shape_within(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return rows and columns of a picture whose longest side is at most `side`.

    >>> shape_within((3000, 4000), 512), shape_within((30, 40), 512), shape_within((1, 4000), 512)
    ((384, 512), (30, 40), (1, 512))
    """
    rows, columns = shape
    scale = min(side / max(shape), 1.0)
    return max(round(rows * scale), 1), max(round(columns * scale), 1)


def shrunk(planes: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return planes (C, H, W) at (C, h, w): each pixel is the mean of the area it covers."""
    return _resized(planes, shape, cv2.INTER_AREA)


def enlarged(planes: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Return planes (C, h, w) at (C, H, W), bilinearly; the borders stay in place."""
    return _resized(planes, shape, cv2.INTER_LINEAR)


def enlarged_rows(planes: FloatArray, shape: tuple[int, int], span: slice) -> FloatArray:
    """Return the rows `span` of `enlarged(planes, shape)`, (C, n, W).

    Enlarging is linear: the rows are a small matrix of weights times the ones above and below.
    """
    height = planes.shape[1]
    places = (np.arange(span.start, span.stop) + 0.5) * (height / shape[0]) - 0.5
    places = np.clip(places, 0, height - 1)
    first, last = int(places[0]), min(int(places[-1]) + 1, height - 1)
    wide = _resized(planes[:, first : last + 1], (last + 1 - first, shape[1]), cv2.INTER_LINEAR)
    distances = np.abs(places[:, None] - np.arange(first, last + 1))
    weights = np.maximum(1 - distances, 0).astype(np.float32)
    return np.asarray(np.matmul(weights, wide), np.float32)


def _resized(planes: FloatArray, shape: tuple[int, int], how: int) -> FloatArray:
    if planes.shape[1:] == shape:
        return planes
    resized = np.empty((len(planes), *shape), np.float32)
    for plane, target in zip(planes, resized, strict=True):
        cv2.resize(plane, shape[::-1], dst=target, interpolation=how)
    return resized
