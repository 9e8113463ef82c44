"""Highlights that fade to neutral where the sensor was full."""

import numpy as np
import numpy.typing as npt

LARGEST = np.float32(2.0**20)  # keeps the matrix product finite
NEARLY_FULL, FULL = np.float32(0.8), np.float32(0.95)  # of the saturation a file claims


def clip_highlights(linear: npt.NDArray[np.float32], clip: np.float32) -> npt.NDArray[np.float32]:
    """Clip camera RGB at `clip` for all channels, fading to neutral what is blown.

    White balance multiplies the channels, so that blown areas hold a different value in each:
    unclipped they turn magenta. `clip` is the smallest of the three saturation values, and what
    is blown comes out as (clip, clip, clip): neutral, since colour matrices keep white white.

    Two things spoil a plain clip, and make a pixel fade to the neutral of its brightest channel,
    each by a share that grows without a step:

    - Only some channels exceed the clip: cutting them bends the hue, orange lamps turn yellow.
      The share is the light that the brightest loses, 1 - clip / brightest.
    - All channels are near the clip, but one is not over it: many sensors are full a few per
      cent below the white level of their files. The share runs from 0 where the darkest channel
      is at 0.8 clip to 1 where it is at 0.95 clip.

    Args:
        linear: (3, ...) white-balanced camera RGB.
        clip: the smallest white-balanced saturation, above 0.

    >>> clip_highlights(np.float32([[[1.6]], [[0.8]], [[0.4]]]), np.float32(1)).ravel().tolist()
    [1.0, 0.875, 0.625]
    """
    clipped = np.clip(linear, -LARGEST, clip)
    brightest = linear.max(axis=0)
    kept = clip / np.maximum(brightest, clip)
    near = (linear.min(axis=0) / clip - NEARLY_FULL) / (FULL - NEARLY_FULL)
    near = np.clip(near, 0, 1)
    kept *= 1 - near * near * (3 - 2 * near)
    # In this order, pixels that do not fade stay exactly what they are.
    clipped += (1 - kept) * (np.minimum(brightest, clip) - clipped)
    return clipped


def fade_highlights(
    pixels: npt.NDArray[np.float32], clip: np.float32, extremes: tuple[float, float]
) -> None:
    """Do so in place where it changes anything, which is nowhere in most parts of most pictures.

    Args:
        pixels: (h, w, 3) white-balanced camera RGB, contiguous.
        clip: as for `clip_highlights`.
        extremes: the smallest and the largest value of `pixels`.
    """
    darkest, brightest = extremes
    if brightest > NEARLY_FULL * clip:
        highest = np.maximum(pixels[..., 0], pixels[..., 1])
        np.maximum(highest, pixels[..., 2], out=highest)
        bright = np.flatnonzero(highest > NEARLY_FULL * clip)  # faster than the mask itself
        row = pixels.reshape(-1, 3)
        row[bright] = clip_highlights(np.ascontiguousarray(row.take(bright, axis=0).T), clip).T
    if darkest < -LARGEST:
        np.maximum(pixels, -LARGEST, out=pixels)
