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


def spans(size: int, core: int, halo: int, multiple_of: int) -> tuple[Span, ...]:
    """Cut `size` pixels into cores of at most `core`, each start on the alignment.

    >>> [(s.low, s.start, s.stop, s.high) for s in spans(64, 32, 16, 16)]
    [(0, 0, 32, 48), (16, 32, 64, 64)]
    """
    core = max(core // multiple_of, 1) * multiple_of
    halo = -(-halo // multiple_of) * multiple_of
    starts = range(0, size, core)
    return tuple(
        Span(start, min(start + core, size), max(start - halo, 0), min(start + core + halo, size))
        for start in starts
    )


def even_core(size: int, count: int, multiple_of: int) -> int:
    """Return the core that cuts `size` into `count` nearly equal parts."""
    return math.ceil(size / count / multiple_of) * multiple_of


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
        (total_rows * total_columns, rows, columns)
        for widest_rows, total_rows, rows in row_cuts
        for widest_columns, total_columns, columns in column_cuts
        if most_pixels is None or widest_rows * widest_columns <= most_pixels
    )
    best = min(fitting, key=lambda cut: cut[0], default=None)
    if best is None:
        return fixed_grid(shape, core=multiple_of, halo=halo, multiple_of=multiple_of)
    return Grid(best[1], best[2])


def every_cut(size: int, halo: int, multiple_of: int) -> list[tuple[int, int, tuple[Span, ...]]]:
    """Return the different cuts of one side into even parts: widest part, sum of parts, the parts.

    There are about twice as many as the root of the number of pixels: many counts of parts give
    the same core.
    """
    counts = range(1, math.ceil(size / multiple_of) + 1)
    cores = dict.fromkeys(even_core(size, count, multiple_of) for count in counts)
    cuts = (spans(size, core, halo, multiple_of) for core in cores)
    return [(max(map(width, cut)), sum(map(width, cut)), cut) for cut in cuts]


def width(span: Span) -> int:
    """Return the packed pixels of a tile's side, halo included."""
    return span.high - span.low


def fixed_grid(shape: tuple[int, int], *, core: int, halo: int, multiple_of: int) -> Grid:
    """Return the grid with square cores of `core` packed pixels."""
    rows, columns = (spans(size, core, halo, multiple_of) for size in shape)
    return Grid(rows, columns)


def tiles(grid: Grid) -> Iterator[tuple[Span, Span]]:
    """Yield the tiles row by row."""
    for row in grid.rows:
        for column in grid.columns:
            yield row, column


def place(span: Span, scale: int) -> slice:
    """Return where a tile's core lies in the picture."""
    return slice(scale * span.start, scale * span.stop)


def core(span: Span, scale: int) -> slice:
    """Return where a tile's core lies in the tile."""
    return slice(scale * (span.start - span.low), scale * (span.stop - span.low))


def run_tiled(run: Run, planes: FloatArray, grid: Grid) -> FloatArray:
    """Return the picture (C, s*h, s*w) that `run` makes of planes (N, h, w), tile by tile.

    `run` decides s, the pixels per packed pixel: 2 for a mosaic, 1 for ordinary pictures.
    """
    if grid.count == 1:
        return run(planes)
    _, rows, columns = planes.shape
    picture: FloatArray | None = None
    for row, column in tiles(grid):
        seen = run(np.ascontiguousarray(planes[:, row.low : row.high, column.low : column.high]))
        scale = seen.shape[1] // width(row)
        if picture is None:
            picture = np.empty((len(seen), scale * rows, scale * columns), seen.dtype)
        picture[:, place(row, scale), place(column, scale)] = seen[
            :, core(row, scale), core(column, scale)
        ]
    assert picture is not None  # a grid has at least one tile
    return picture
