"""One picture beside its truth and the map of how far they differ."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.picture.drawing import (
    CAPTION,
    LETTER,
    Pixels,
    blank,
    captioned,
    false_colours,
    side_by_side,
    write_text,
)

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]

LONGEST = 512  # longest side of a picture in the strip
LARGEST = 50.0  # differences from here on have the last colour
BAR = 16  # columns of the legend's colours
TICKS = 5


def draw_strip(
    pictures: Sequence[tuple[str, Srgb]], differences: npt.NDArray[np.float32]
) -> Pixels:
    """Draw pictures side by side, after them the map of differences and its legend.

    Everything is shrunk to the size of the map, whose longest side is at most 512 pixels. A
    pixel of a shrunk map is the mean of the differences that it stands for.

    Args:
        pictures: captions and pictures of one shape but for their scale.
        differences: (H, W), 0 or more: CIE76 colour differences.
    """
    rows, columns = differences.shape
    scale = min(1, LONGEST / max(rows, columns))
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    shown = [captioned(pixels_of(resized(srgb, size)), name) for name, srgb in pictures]
    colours = false_colours(resized(differences, size) / LARGEST)
    return side_by_side([*shown, captioned(colours, "CIE76"), legend(size[1])])


def pixels_of(srgb: Srgb) -> Pixels:
    """Return a picture in 8 bits."""
    return np.rint(np.clip(srgb, 0, 1) * 255).astype(np.uint8)


def resized(picture: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Bring a picture (H, W) or (H, W, 3) to (columns, rows) by means over areas."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def legend(rows: int) -> Pixels:
    """Draw the colours of the map from 0, below, to 50, with room for a caption above."""
    column = blank(rows + CAPTION, BAR + 4 + 3 * LETTER)
    shares = np.linspace(1, 0, rows)[:, None].repeat(BAR, axis=1)
    column[CAPTION:, :BAR] = false_colours(shares)
    for tick in range(TICKS + 1):
        row = round((rows - 1) * (1 - tick / TICKS)) + CAPTION
        text = f"{LARGEST * tick / TICKS:.0f}"
        write_text(column, text, row=min(row + 4, rows + CAPTION - 1), column=BAR + 4)
    return column
