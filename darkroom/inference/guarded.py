"""Run a network whatever happens: fewer pixels at once when memory runs out, never a broken result.

When memory runs out, tiles are halved and stay halved for the rest of the run; tiles that the user
asked for are never changed. A result that is not finite, or all of one value, is computed once more
in single precision where half precision may be to blame.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.engine import Engine, FloatArray
from darkroom.inference.memory import PICTURE_BYTES, most_pixels
from darkroom.inference.tiling import (
    Canvas,
    Deliver,
    Grid,
    Place,
    deliver_tiles,
    fixed_grid,
    plan_grid,
)

RETRIES = 4  # tiles are halved this often when memory runs out
OUT_OF_MEMORY = frozenset({FailureCode.OOM_DEVICE, FailureCode.OOM_HOST})


@dataclass(frozen=True)
class TileRules:
    """How a frame may be cut.

    Attributes:
        halo: packed pixels a tile carries on each side.
        multiple_of: alignment of tiles.
        tile: core of a tile in packed pixels; None chooses, 0 takes the whole frame.
        max_memory: bytes to stay under; None for a share of what is free.
        beside: bytes that each packed pixel of the frame takes besides; less if tiles are rendered.
    """

    halo: int
    multiple_of: int
    tile: int | None = None
    max_memory: int | None = None
    beside: int = PICTURE_BYTES


@dataclass
class Ladder:
    """How often tiles were halved so far in this run."""

    steps: int = 0


@dataclass(frozen=True)
class Done:
    """The tiles a picture was made in, and what had to be done for it."""

    grid: Grid
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Computed(Done):
    """The same, with the network's picture (C, s*h, s*w)."""

    picture: FloatArray = field(kw_only=True)


def run_guarded(
    engine: Engine, planes: FloatArray, noise: FloatArray, rules: TileRules, ladder: Ladder
) -> Computed:
    """Run the network on planes (N, h, w) with noise (8,).

    Raises:
        FileProblem: as `deliver_guarded`; NONFINITE where the network makes numbers that are none.
    """
    canvas = Canvas()

    def paint(tile: FloatArray, place: Place) -> None:
        canvas(finite(tile), place)

    done = deliver_guarded(engine, planes, noise, rules, ladder, deliver=paint, lasting=True)
    return Computed(done.grid, done.warnings, picture=canvas.picture)


def deliver_guarded(
    engine: Engine,
    planes: FloatArray,
    noise: FloatArray,
    rules: TileRules,
    ladder: Ladder,
    *,
    deliver: Deliver,
    lasting: bool = False,
) -> Done:
    """Run the network and hand over the tiles; all of them once more where it was in vain.

    Args:
        engine: runs the network.
        planes: (N, h, w).
        noise: (8,) of the planes.
        rules: how they may be cut.
        ladder: of this run of darkroom.
        deliver: takes each tile, and refuses numbers that are none with NONFINITE.
        lasting: whether it keeps them; else the next one may be written over the last.

    Raises:
        FileProblem: OOM_DEVICE or OOM_HOST even with small tiles, or with the tiles asked for;
            what `deliver` raises in single precision, too.
    """
    flat, run = Flatness(), partial(deliver_within_memory, lasting=lasting)

    def look(tile: FloatArray, place: Place) -> None:
        flat.look_at(tile)
        deliver(tile, place)

    try:
        done = run(engine, planes, noise, rules, ladder, deliver=look)
        if engine.precision == "fp32" or not flat.is_certain:
            return done
    except FileProblem as problem:
        if problem.code is not FailureCode.NONFINITE or engine.precision == "fp32":
            raise
    done = run(engine.exactly(), planes, noise, rules, ladder, deliver=deliver)
    warning = "the network failed in half precision: computed again in single precision"
    return replace(done, warnings=(warning, *done.warnings))


def deliver_within_memory(
    engine: Engine,
    planes: FloatArray,
    noise: FloatArray,
    rules: TileRules,
    ladder: Ladder,
    *,
    deliver: Deliver,
    lasting: bool,
) -> Done:
    """Run the network in as few tiles as memory allows; halve them when it runs out after all."""
    run = partial(engine.run, noise=noise, lasting=lasting)
    shape = (planes.shape[1], planes.shape[2])
    if rules.tile is not None:
        core = rules.tile or max(shape) + rules.multiple_of
        grid = fixed_grid(shape, core=core, halo=rules.halo, multiple_of=rules.multiple_of)
        deliver_tiles(run, planes, grid, deliver)
        return Done(grid)
    most = most_pixels(engine, rules.max_memory, shape=shape, halo=rules.halo, beside=rules.beside)
    first = ladder.steps
    while True:
        grid = plan_grid(
            shape,
            halo=rules.halo,
            multiple_of=rules.multiple_of,
            most_pixels=most // 2**ladder.steps,
        )
        try:
            deliver_tiles(run, planes, grid, deliver)
        except FileProblem as problem:
            if problem.code not in OUT_OF_MEMORY or ladder.steps - first >= RETRIES:
                raise
        else:
            return Done(grid, smaller(grid, ladder.steps - first))
        ladder.steps += 1  # outside the handler, which would keep the failed tile's memory alive


class Flatness:
    """Whether all tiles seen so far are of one value."""

    def __init__(self) -> None:
        self._first: np.floating | None = None
        self.is_certain = True

    def look_at(self, tile: FloatArray) -> None:
        """Look at a tile (C, h, w): at a few of its values first, which nearly always suffice."""
        if self._first is None:
            self._first = tile.flat[0]
        if self.is_certain:
            differs = (tile[:, ::64, ::64] != self._first).any() or (tile != self._first).any()
            self.is_certain = not differs


def smaller(grid: Grid, steps: int) -> tuple[str, ...]:
    """Say that memory ran out, if it did."""
    return (f"memory ran out: the frame was worked on in {grid}",) if steps else ()


def finite(picture: FloatArray) -> FloatArray:
    """Return the picture if all its values are numbers.

    Raises:
        FileProblem: NONFINITE.
    """
    # One value that is no number makes the sum none; a sum that overflows is looked at closely.
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(picture.sum())
    if not math.isfinite(total) and not np.isfinite(picture).all():
        raise FileProblem(
            FailureCode.NONFINITE,
            "the network made values that are not numbers",
            "check the model with `darkroom models`; for dark frames, try a smaller --ratio",
        )
    return picture
