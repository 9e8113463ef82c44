"""Run a network whatever happens: fewer pixels at once when memory runs out, never a broken result.

When memory runs out, tiles are halved and stay halved for the rest of the run; tiles that the user
asked for are never changed. A result that is not finite, or all of one value, is computed once more
in single precision where half precision may be to blame.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.memory import most_pixels
from darkroom.inference.tiling import Grid, fixed_grid, plan_grid, run_tiled

if TYPE_CHECKING:
    from darkroom.inference.engine import TorchEngine

FloatArray = npt.NDArray[np.float32]

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
    """

    halo: int
    multiple_of: int
    tile: int | None = None
    max_memory: int | None = None


@dataclass
class Ladder:
    """How often tiles were halved so far in this run."""

    steps: int = 0


@dataclass(frozen=True)
class Computed:
    """A network's picture (C, 2h, 2w), the tiles it was made in, and what had to be done for it."""

    picture: FloatArray
    grid: Grid
    warnings: tuple[str, ...] = ()


def run_guarded(
    engine: "TorchEngine", planes: FloatArray, noise: FloatArray, rules: TileRules, ladder: Ladder
) -> Computed:
    """Run the network on planes (4, h, w) with noise (8,).

    Raises:
        FileProblem: OOM_DEVICE or OOM_HOST even with small tiles, or with the tiles asked for;
            NONFINITE where the network makes numbers that are none.
    """
    try:
        computed = run_within_memory(engine, planes, noise, rules, ladder)
        if engine.precision == "fp32" or not is_flat(computed.picture):
            return computed
    except FileProblem as problem:
        if problem.code is not FailureCode.NONFINITE or engine.precision == "fp32":
            raise
    exact = replace(engine, precision="fp32")
    computed = run_within_memory(exact, planes, noise, rules, ladder)
    warning = "the network failed in half precision: computed again in single precision"
    return replace(computed, warnings=(warning, *computed.warnings))


def run_within_memory(
    engine: "TorchEngine", planes: FloatArray, noise: FloatArray, rules: TileRules, ladder: Ladder
) -> Computed:
    """Run the network in as few tiles as memory allows; halve them when it runs out after all."""

    def run(tile: FloatArray) -> FloatArray:
        return finite(engine.run(tile, noise))

    shape = (planes.shape[1], planes.shape[2])
    if rules.tile is not None:
        core = rules.tile or max(shape) + rules.multiple_of
        grid = fixed_grid(shape, core=core, halo=rules.halo, multiple_of=rules.multiple_of)
        return Computed(run_tiled(run, planes, grid), grid)
    most = most_pixels(engine, rules.max_memory, shape=shape, halo=rules.halo)
    first = ladder.steps
    while True:
        grid = plan_grid(
            shape,
            halo=rules.halo,
            multiple_of=rules.multiple_of,
            most_pixels=most // 2**ladder.steps,
        )
        try:
            picture = run_tiled(run, planes, grid)
        except FileProblem as problem:
            if problem.code not in OUT_OF_MEMORY or ladder.steps - first >= RETRIES:
                raise
        else:
            return Computed(picture, grid, smaller(grid, ladder.steps - first))
        ladder.steps += 1  # outside the handler, which would keep the failed tile's memory alive


def smaller(grid: Grid, steps: int) -> tuple[str, ...]:
    """Say that memory ran out, if it did."""
    return (f"memory ran out: the frame was worked on in {grid}",) if steps else ()


def is_flat(picture: FloatArray) -> bool:
    """Whether all values of a picture (C, H, W) are equal."""
    first = picture.flat[0]
    return not (picture[:, ::64, ::64] != first).any() and not (picture != first).any()


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
