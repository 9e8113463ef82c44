"""Squares of a mosaic and of its full colours, flipped and transposed without leaving RGGB."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import CELL, TRANSPOSED
from darkroom.learning.pair_frames import Counts

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A square of a frame: its corner and edge in packed pixels, and how it is turned."""

    row: int
    column: int
    size: int
    flip_rows: bool = False
    flip_columns: bool = False
    transpose: bool = False


def random_view(shape: tuple[int, int, int], size: int, rng: np.random.Generator) -> View:
    """Draw a square; an axis is only flipped where one more packed pixel is left for it."""
    rows, columns = shape[1:]
    wanted = rng.integers(0, 2, 3)
    flip_rows, flip_columns = bool(wanted[0] and rows > size), bool(wanted[1] and columns > size)
    row = int(rng.integers(rows - size - flip_rows + 1))
    column = int(rng.integers(columns - size - flip_columns + 1))
    return View(row, column, size, flip_rows, flip_columns, bool(wanted[2]))


def cut_planes(
    pixels: Counts,
    view: View,
    black: npt.NDArray[np.float64],
    scale: npt.NDArray[np.float64],
) -> FloatArray:
    """Cut linear planes R, G, B, G2 out of counts: (4, h, w) -> (4, size, size).

    A flipped mosaic starts on red again if its square lies one pixel further. For planes on even
    rows (columns) that is the next packed pixel, for the others it is the same.
    """
    cut = np.empty((4, view.size, view.size), np.float32)
    for index, (row, column) in enumerate(CELL):
        top = view.row + (view.flip_rows and row == 0)
        left = view.column + (view.flip_columns and column == 0)
        plane = pixels[index, top : top + view.size, left : left + view.size]
        np.subtract(turned(plane, view), np.float32(black[index]), out=cut[index])
        cut[index] *= np.float32(scale[index])
    return np.ascontiguousarray(cut[TRANSPOSED]) if view.transpose else cut


def cut_picture(pixels: Counts, view: View, scale: float) -> FloatArray:
    """Cut the same square out of full colours: (3, 2h, 2w) -> (3, 2 size, 2 size)."""
    top, left = 2 * view.row + view.flip_rows, 2 * view.column + view.flip_columns
    square = pixels[:, top : top + 2 * view.size, left : left + 2 * view.size]
    cut = np.empty((3, 2 * view.size, 2 * view.size), np.float32)
    return np.multiply(turned(square, view), np.float32(scale), out=cut)


def turned(square: Counts, view: View) -> Counts:
    """Flip and transpose the last two axes."""
    square = square[..., :: -1 if view.flip_rows else 1, :: -1 if view.flip_columns else 1]
    return square.swapaxes(-1, -2) if view.transpose else square
