"""Frames that cannot be right: nothing in them, or the repeating rows of input that ended early."""

import numpy as np
import numpy.typing as npt

from darkroom.camera.source import COPY_AGAIN
from darkroom.errors import FailureCode, FileProblem

MIN_RUN = 16
IMPOSSIBLE = 2  # times saturation: no pixel counts so far
PROBE_STEP = 16  # columns between two probes of a row
SAMPLE_STEP = 64  # rows between two that are looked at first

KEEP_ANYWAY = "process it anyway with --allow-suspect"

Levels = tuple[float, float, float, float]
Counts = npt.NDArray[np.uint16]


def check_signal(mosaic: Counts, black: Levels) -> None:
    """Refuse a frame without a picture: one value everywhere, or nothing above black.

    Args:
        mosaic: (H, W) counts.
        black: black level of the four positions of the first 2x2 cell, row by row.

    Raises:
        FileProblem: E_BLACK.
    """
    sample = mosaic[::SAMPLE_STEP]  # most frames answer at once
    if sample.max() > max(*black, sample.min()):
        return
    brightest = int(mosaic.max())
    if brightest == int(mosaic.min()):
        raise without_picture(f"every pixel has the same value ({brightest})")
    if brightest > max(black):
        return
    cells = (mosaic[row::2, column::2] for row in (0, 1) for column in (0, 1))
    if not any(int(cell.max()) > level for cell, level in zip(cells, black, strict=True)):
        raise without_picture(f"no pixel is above the black level ({max(black):g})")


def check_rows(mosaic: Counts, white: float) -> tuple[str, ...]:
    """Refuse a frame whose rows stop changing; return a warning for a milder case.

    A run of at least 16 rows, each constant or equal to one of the two rows above it, means that
    image data is missing when it reaches the last row or holds the value 0. Saturated rows are
    left out: a blown sky repeats too.

    Args:
        mosaic: (H, W) counts.
        white: count of saturation.

    Raises:
        FileProblem: E_CORRUPT for missing rows.
    """
    first, length = longest_run(repeated_rows(mosaic, white))
    if length < MIN_RUN:
        return ()
    where = f"rows {first} to {first + length - 1} of {len(mosaic)} repeat each other"
    if first + length == len(mosaic) or not mosaic[first : first + length].any():
        raise FileProblem(
            FailureCode.CORRUPT,
            f"image data is missing: {where}",
            f"{COPY_AGAIN}, or {KEEP_ANYWAY}",
        )
    return (f"{where}: the file may be damaged there",)


def without_picture(what: str) -> FileProblem:
    """Return the error for a frame with nothing in it."""
    return FileProblem(FailureCode.BLACK, what, f"check the file, or {KEEP_ANYWAY}")


def repeated_rows(mosaic: Counts, white: float) -> npt.NDArray[np.bool_]:
    """Mark the rows, (H,), that are constant or equal to one of the two rows above them.

    Rows of saturated pixels are not marked, but those far above saturation are: erased memory.
    """
    suspects = np.flatnonzero(repeats(np.ascontiguousarray(mosaic[:, ::PROBE_STEP])))
    marked = np.zeros(len(mosaic), bool)
    for row in suspects:
        counts = mosaic[row]
        above = mosaic[max(row - 2, 0) : row]
        same = bool((above == counts).all(axis=1).any()) or counts.min() == counts.max()
        marked[row] = same and not white <= counts.min() <= IMPOSSIBLE * white
    return marked


def repeats(counts: Counts) -> npt.NDArray[np.bool_]:
    """Mark rows that are constant or equal to the row one or two above them."""
    marked = counts.min(axis=1) == counts.max(axis=1)
    for lag in (1, 2):
        marked[lag:] |= (counts[lag:] == counts[:-lag]).all(axis=1)
    return np.asarray(marked)


def longest_run(marked: npt.NDArray[np.bool_]) -> tuple[int, int]:
    """Return (first, length) of the longest run of marked rows.

    >>> longest_run(np.array([True, False, True, True]))
    (2, 2)
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    if not len(edges):
        return 0, 0
    starts, lengths = edges[::2], edges[1::2] - edges[::2]
    longest = int(np.argmax(lengths))
    return int(starts[longest]), int(lengths[longest])
