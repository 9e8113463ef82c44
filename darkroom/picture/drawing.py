"""Plots put together from pixels: false colours, captions, pictures side by side."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]  # (H, W, 3) RGB, upright

PAPER, INK, FAINT = 255, 0, 170  # greys of the background, of texts, of lines that guide the eye
GAP = 8  # pixels between pictures
CAPTION = 24  # rows of a line of text
LETTER = 7  # columns that a letter takes, at most
SIZE = 0.4  # of the letters, in OpenCV's units


def false_colours(shares: npt.ArrayLike) -> Pixels:
    """Colour (H, W) shares from dark violet for 0 to light yellow for 1; what is beyond is cut."""
    levels = np.rint(np.clip(np.asarray(shares, np.float64), 0, 1) * 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def blank(rows: int, columns: int) -> Pixels:
    """Return empty paper."""
    return np.full((rows, columns, 3), PAPER, np.uint8)


def write_text(pixels: Pixels, text: str, *, row: int, column: int) -> None:
    """Write a line of text into a picture, its lower left corner given; only ASCII is known."""
    known = text.encode("ascii", "replace").decode()
    font, ink = cv2.FONT_HERSHEY_SIMPLEX, (INK, INK, INK)
    cv2.putText(pixels, known, (column, row), font, SIZE, ink, 1, cv2.LINE_AA)


def captioned(pixels: Pixels, caption: str) -> Pixels:
    """Return the picture with a line of text above it, cut to its width."""
    line = blank(CAPTION, pixels.shape[1])
    write_text(line, caption[: pixels.shape[1] // LETTER], row=CAPTION - 8, column=2)
    return np.concatenate([line, pixels])


def side_by_side(pictures: Sequence[Pixels]) -> Pixels:
    """Return pictures in a row with paper between and around them, their upper edges aligned."""
    rows = max(len(pixels) for pixels in pictures)
    columns = sum(pixels.shape[1] + GAP for pixels in pictures)
    sheet, left = blank(rows + 2 * GAP, columns + GAP), GAP
    for pixels in pictures:
        height, width, _ = pixels.shape
        sheet[GAP : GAP + height, left : left + width] = pixels
        left += width + GAP
    return sheet
