from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.inference.tiling import (
    Canvas,
    Place,
    aligned,
    every_cut,
    fixed_grid,
    plan_grid,
    spans,
    width,
)
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.unet import UNet
from tests.conftest import run_tiled

NOISE = np.full(8, 1e-3, np.float32)


def engine(name: str) -> TorchEngine:
    torch.manual_seed(3)
    network = {
        "unet": lambda: UNet(width=4, levels=3),
        "fast-unet": lambda: FastUNet(width=4, blocks=(1,), bottom=1, detail=4),
    }[name]()
    return TorchEngine(network.eval(), "cpu", "fp32")


@pytest.mark.parametrize("name", ["unet", "fast-unet"])
@pytest.mark.parametrize("size", [(64, 180), (201, 67), (30, 200)])
@pytest.mark.parametrize("core", [16, 40, 64])
def test_tiled_equals_untiled(name: str, size: tuple[int, int], core: int) -> None:
    runner = engine(name)
    halo, alignment = runner.network.halo, runner.network.multiple_of
    planes = np.random.default_rng(0).random((4, *size), np.float32)
    run = lambda tile: runner.run(tile, NOISE)  # noqa: E731
    grid = fixed_grid(size, core=core, halo=halo, multiple_of=alignment)
    assert grid.count > 1
    whole = run_tiled(run, planes, fixed_grid(size, core=999, halo=halo, multiple_of=alignment))
    tiled = run_tiled(run, planes, grid)
    assert whole.shape == (3, 2 * size[0], 2 * size[1])
    assert np.abs(tiled - whole).max() < 1e-6


def test_too_small_a_halo_would_be_noticed() -> None:
    runner = engine("unet")
    planes = np.random.default_rng(0).random((4, 96, 96), np.float32)
    run = lambda tile: runner.run(tile, NOISE)  # noqa: E731
    whole = run(planes)
    grid = fixed_grid((96, 96), core=32, halo=4, multiple_of=4)
    assert np.abs(run_tiled(run, planes, grid) - whole).max() > 1e-4


def test_pictures_of_the_planes_own_size_come_in_tiles_as_well() -> None:
    planes = np.random.default_rng(0).random((2, 50, 70), np.float32)
    blur = lambda tile: tile[:1] + np.roll(tile[1:], 1, -1)  # noqa: E731
    grid = fixed_grid((50, 70), core=16, halo=4, multiple_of=4)
    tiled = run_tiled(blur, planes, grid)
    assert tiled.shape == (1, 50, 70)
    assert np.array_equal(tiled[..., 4:], blur(planes)[..., 4:])


@given(
    size=st.integers(1, 3000),
    window=st.integers(1, 1200),
    halo=st.integers(0, 200),
    multiple=st.sampled_from([1, 4, 16]),
)
def test_spans_cover_everything_once_and_stay_aligned(
    size: int, window: int, halo: int, multiple: int
) -> None:
    cut = spans(size, window, halo, multiple)
    assert cut[0].start == cut[0].low == 0
    assert cut[-1].stop == cut[-1].high == size
    for before, after in pairwise(cut):
        assert before.stop == after.start
    for span in cut:
        assert span.start < span.stop
        assert span.start % multiple == span.low % multiple == 0
        assert span.low == 0 or span.start - span.low >= halo
        assert span.high == size or span.high - span.stop >= halo
    assert len({aligned(width(span), multiple) for span in cut}) == 1  # one shape to make ready


@settings(deadline=None)  # a busy machine is no failure
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    limit=st.integers(30_000, 400_000),
)
def test_planned_grids_stay_under_the_limit(rows: int, columns: int, limit: int) -> None:
    shape = (rows * 50, columns * 50)
    grid = plan_grid(shape, halo=48, multiple_of=16, most_pixels=limit)
    assert max(map(width, grid.rows)) * max(map(width, grid.columns)) <= limit
    if shape[0] * shape[1] <= limit:
        assert grid.count == 1


def test_an_impossible_limit_gives_the_smallest_tiles() -> None:
    grid = plan_grid((160, 160), halo=32, multiple_of=16, most_pixels=1)
    assert (len(grid.rows), len(grid.columns)) == (6, 6)


def test_large_pictures_of_no_alignment_are_planned_with_few_cuts() -> None:
    cuts = every_cut(2000, 2, 1)
    assert len(cuts) < 100
    assert [len(spans) for _, spans in (*cuts[:3], cuts[-1])] == [1, 2, 3, 1996]


def test_grids_say_what_they_are() -> None:
    assert str(plan_grid((64, 64), halo=8, multiple_of=8, most_pixels=None)) == "full"
    assert str(fixed_grid((64, 40), core=32, halo=8, multiple_of=8)) == "2x1 tiles"


def test_a_canvas_puts_tiles_where_they_belong() -> None:
    canvas = Canvas()
    for column in (0, 2):
        tile = np.full((3, 2, 2), column, np.float32)
        canvas(tile, Place(slice(0, 2), slice(column, column + 2), (2, 4)))
    assert canvas.picture[0].tolist() == [[0, 0, 2, 2]] * 2


def test_a_tile_that_is_the_picture_is_not_copied() -> None:
    canvas, whole = Canvas(), np.zeros((3, 4, 6), np.float32)
    canvas(whole, Place(slice(0, 4), slice(0, 6), (4, 6)))
    assert canvas.picture is whole
