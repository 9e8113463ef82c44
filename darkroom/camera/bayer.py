"""Bayer mosaics as four planes and back: any phase and any size becomes R G B G2.

The order R, G, B, G2 walks the 2x2 cell clockwise, as in Chen et al. 2018 ("Learning to See in
the Dark"): positions (0,0), (0,1), (1,1), (1,0) of a mosaic that starts on red.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from darkroom.camera.raw import RawImage

PHASES = ("RGGB", "GRBG", "GBRG", "BGGR")
CELL = ((0, 0), (0, 1), (1, 1), (1, 0))  # R, G, B, G2 of a cell that starts on red
TRANSPOSED = [0, 3, 2, 1]  # planes of a transposed mosaic: both greens change places
STRIP = 32  # rows at a time: they stay in the processor's cache

FloatArray = npt.NDArray[np.float32]
Value = TypeVar("Value", np.float32, np.uint16)  # linear light, or counts


def red_offset(phase: str) -> tuple[int, int]:
    """Return the (row, column) of red in the first 2x2 cell.

    >>> red_offset("GBRG")
    (1, 0)
    """
    return divmod(phase.index("R"), 2)


def border(phase: str, shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the padding ((top, bottom), (left, right)) that starts `shape` on red, size even.

    >>> border("BGGR", (5, 6))
    ((1, 0), (1, 1))
    """
    top, left = red_offset(phase)
    return (top, (shape[0] + top) % 2), (left, (shape[1] + left) % 2)


def start_on_red(mosaic: npt.NDArray[Value], phase: str) -> npt.NDArray[Value]:
    """Add a one-pixel reflected border where the phase or an odd size needs it.

    A reflection about the edge pixel keeps the colour of every position: row -1 mirrors row 1,
    which has the same filters.
    """
    rows, columns = mosaic.shape
    missing = border(phase, (rows, columns))
    return np.pad(mosaic, missing, mode="reflect") if np.any(missing) else mosaic


def pack(mosaic: npt.NDArray[Value]) -> npt.NDArray[Value]:
    """Fold each 2x2 cell of a red-first mosaic into four planes: (H, W) -> (4, H/2, W/2)."""
    return np.stack([mosaic[row::2, column::2] for row, column in CELL])


def unpack(planes: FloatArray) -> FloatArray:
    """Unfold four planes into the mosaic they came from: (4, H/2, W/2) -> (H, W)."""
    _, rows, columns = planes.shape
    mosaic = np.empty((2 * rows, 2 * columns), planes.dtype)
    for plane, (row, column) in zip(planes, CELL, strict=True):
        mosaic[row::2, column::2] = plane
    return mosaic


def plane_gains(white_balance: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """Return the white balance of the planes R, G, B, G2."""
    red, green, blue = white_balance
    return red, green, blue, green


def linear_mosaic(raw: RawImage) -> FloatArray:
    """Return the mosaic with black at 0 and white at 1; noise below black stays negative."""
    linear = raw.mosaic.astype(np.float32)
    for position, black in enumerate(raw.black):  # in place: a frame is large
        row, column = divmod(position, 2)
        cells = linear[row::2, column::2]
        cells -= np.float32(black)
        cells /= np.float32(raw.white - black)
    return linear


def planes_of(raw: RawImage) -> FloatArray:
    """Return the frame as linear planes R, G, B, G2, (4, h, w), before white balance.

    Black is 0, white is 1, values below black stay negative: clipping them, as SID does, lifts
    deep shadows towards purple once red and blue are multiplied by the white balance.
    """
    return amplified_planes(raw, (1.0, 1.0, 1.0, 1.0))


def amplified_planes(raw: RawImage, gains: tuple[float, float, float, float]) -> FloatArray:
    """Return the same planes, each multiplied by its gain, in one pass over the counts.

    Args:
        raw: the frame, of any phase and of any size from 2 x 2.
        gains: of R, G, B, G2: white balance times ratio, for instance.
    """
    top, left = red_offset(raw.phase)
    rows, columns = raw.mosaic.shape
    planes = np.empty((4, (rows + top + 1) // 2, (columns + left + 1) // 2), np.float32)
    for plane, (row, column), gain in zip(planes, CELL, gains, strict=True):
        position = 2 * (row ^ top) + (column ^ left)
        cells = raw.mosaic[row ^ top :: 2, column ^ left :: 2]
        above, beside = int(row < top), int(column < left)
        inner = plane[above:, beside:][: len(cells), : cells.shape[1]]
        black, full = raw.black[position], (raw.white - raw.black[position]) / gain
        for at in range(0, len(cells), STRIP):
            part = inner[at : at + STRIP]
            part[...] = cells[at : at + STRIP]
            part -= np.float32(black)
            part /= np.float32(full)
        _mirror(plane, above, len(cells))
        _mirror(plane.T, beside, cells.shape[1])
    return planes


def _mirror(plane: FloatArray, missing: int, rows: int) -> None:
    """Fill the row above and the one below `rows` rows of a plane, where it has such.

    The mirror image of a mosaic about its edge row repeats the row of a plane beside it: this
    is what packing the border of `start_on_red` gives.
    """
    plane[:missing] = plane[missing]
    plane[missing + rows :] = plane[missing + rows - 1]


def binned(raw: RawImage) -> FloatArray:
    """Return white-balanced linear camera RGB at half size, (3, h, w): each cell is one pixel.

    Binning needs no demosaicing, so it makes no demosaicing error. Blown areas come out neutral.
    """
    red, green, blue, green2 = planes_of(raw)
    gains = plane_gains(raw.white_balance)
    balanced = np.stack([red * gains[0], (green + green2) / 2, blue * gains[2]])
    return np.asarray(np.clip(balanced, 0, min(gains)), np.float32)


def visible(picture: FloatArray, raw: RawImage) -> FloatArray:
    """Cut the border that `planes_of` added: (3, 2h, 2w) -> (3, H, W) of the mosaic."""
    rows, columns = raw.mosaic.shape
    top, left = red_offset(raw.phase)
    return picture[:, top : top + rows, left : left + columns]
