"""Run a network on a frame of any size, whole or in tiles that give the same picture.

A network with a halo of h looks at most h packed pixels away, in steps of its alignment. So tiles
that carry h pixels of their neighbourhood, start on the alignment and are cut back to their core
give what the whole frame gives; at the frame's own edges nothing is added, for there the network
pads whether it sees a tile or the frame.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Run = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class Place:
    """Where a tile lies in the picture: its rows and columns, and the size of the picture."""

    rows: slice
    columns: slice
    picture: tuple[int, int]


Deliver = Callable[[FloatArray, Place], None]  # takes a tile (C, h, w)


@dataclass(frozen=True)
class Span:
    """One side of a tile, in packed pixels: the core [start, stop) inside [low, high)."""

    start: int
    stop: int
    low: int
    high: int


@dataclass(frozen=True)
class Grid:
    """How a frame is cut: the spans of its rows and of its columns."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)

    def __str__(self) -> str:
        """Say it to the user.

        >>> str(Grid(spans(100, 100, 0, 1), spans(100, 50, 0, 1)))
        '1x2 tiles'
        """
        return "full" if self.count == 1 else f"{len(self.rows)}x{len(self.columns)} tiles"


def spans(size: int, window: int, halo: int, multiple_of: int) -> tuple[Span, ...]:
    """Cut `size` pixels into cores seen through windows of one width, each on the alignment.

    Windows at the frame's edges need no halo there, so their cores are larger; the last window
    reaches further back. So an engine is made ready for one shape of tiles.

    >>> [(s.low, s.start, s.stop, s.high) for s in spans(80, 48, 8, 16)]
    [(0, 0, 32, 48), (16, 32, 48, 64), (32, 48, 80, 80)]
    """
    halo = aligned(halo, multiple_of)
    window = max(window // multiple_of * multiple_of, 2 * halo + multiple_of)
    cut, start, low = [], 0, 0
    while start < size:
        high = min(low + window, size)
        stop = high if high == size else high - halo
        cut.append(Span(start, stop, low, high))
        start, low = stop, min(stop - halo, max(aligned(size - window, multiple_of), 0))
    return tuple(cut)


def aligned(size: int, multiple_of: int) -> int:
    """Return the next multiple that is not smaller.

    >>> aligned(17, 16), aligned(16, 16)
    (32, 16)
    """
    return math.ceil(size / multiple_of) * multiple_of


def even_window(size: int, count: int, halo: int, multiple_of: int) -> int:
    """Return the narrowest window through which `count` cores cover `size` pixels."""
    overlap = 2 * aligned(halo, multiple_of) * (count - 1)
    return aligned(math.ceil((size + overlap) / count), multiple_of)


def plan_grid(
    shape: tuple[int, int], *, halo: int, multiple_of: int, most_pixels: int | None
) -> Grid:
    """Return the grid with the least work whose tiles hold at most `most_pixels`.

    Args:
        shape: packed rows and columns.
        halo: packed pixels a tile carries on each inner side.
        multiple_of: alignment of the tiles' origins.
        most_pixels: packed pixels of a tile, halo included; None for no limit. Tiles never get
            smaller than one alignment step plus halo, even where that is more.
    """
    row_cuts, column_cuts = (every_cut(size, halo, multiple_of) for size in shape)
    fitting = (
        (widest_rows * len(rows) * widest_columns * len(columns), rows, columns)
        for widest_rows, rows in row_cuts
        for widest_columns, columns in column_cuts
        if most_pixels is None or widest_rows * widest_columns <= most_pixels
    )
    best = min(fitting, key=lambda cut: cut[0], default=None)
    if best is None:
        return fixed_grid(shape, core=multiple_of, halo=halo, multiple_of=multiple_of)
    return Grid(best[1], best[2])


def every_cut(size: int, halo: int, multiple_of: int) -> list[tuple[int, tuple[Span, ...]]]:
    """Return the different cuts of one side into even parts: widest part, the parts.

    There are about twice as many as the root of the number of pixels: many counts of parts give
    the same window.
    """
    counts = range(1, math.ceil(size / multiple_of) + 1)
    windows = dict.fromkeys(even_window(size, count, halo, multiple_of) for count in counts)
    cuts = dict.fromkeys(spans(size, window, halo, multiple_of) for window in windows)
    return [(max(map(width, cut)), cut) for cut in cuts]


def width(span: Span) -> int:
    """Return the packed pixels of a tile's side, halo included."""
    return span.high - span.low


def fixed_grid(shape: tuple[int, int], *, core: int, halo: int, multiple_of: int) -> Grid:
    """Return the grid whose inner tiles have square cores of `core` packed pixels."""
    window = aligned(core, multiple_of) + 2 * aligned(halo, multiple_of)
    rows, columns = (spans(size, window, halo, multiple_of) for size in shape)
    return Grid(rows, columns)


def tiles(grid: Grid) -> Iterator[tuple[Span, Span]]:
    """Yield the tiles row by row."""
    for row in grid.rows:
        for column in grid.columns:
            yield row, column


def core(span: Span, scale: int) -> slice:
    """Return where a tile's core lies in the tile."""
    return slice(scale * (span.start - span.low), scale * (span.stop - span.low))


def deliver_tiles(run: Run, planes: FloatArray, grid: Grid, deliver: Deliver) -> None:
    """Let `run` make a picture of planes (N, h, w); hand over each tile's core (C, h, w).

    `run` decides s, the pixels per packed pixel: 2 for a mosaic, 1 for ordinary pictures. A core
    comes with its place in the picture (C, s*h, s*w).
    """
    _, *size = planes.shape
    for row, column in tiles(grid):
        seen = planes[:, row.low : row.high, column.low : column.high]
        tile = run(seen if grid.count == 1 else np.ascontiguousarray(seen))
        scale = tile.shape[1] // width(row)
        rows, columns = (slice(scale * s.start, scale * s.stop) for s in (row, column))
        place = Place(rows, columns, (scale * size[0], scale * size[1]))
        deliver(tile[:, core(row, scale), core(column, scale)], place)


class Canvas:
    """Takes the tiles of a picture and puts them together; one that fills it is not copied."""

    def __init__(self) -> None:
        self._picture: FloatArray | None = None

    def __call__(self, tile: FloatArray, place: Place) -> None:
        """Take a tile (C, h, w)."""
        if tile.shape[1:] == place.picture:
            self._picture = tile
            return
        if self._picture is None:
            self._picture = np.empty((len(tile), *place.picture), tile.dtype)
        self._picture[:, place.rows, place.columns] = tile

    @property
    def picture(self) -> FloatArray:
        """The picture (C, H, W), once every tile was taken."""
        assert self._picture is not None  # a grid has at least one tile
        return self._picture
