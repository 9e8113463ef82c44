import numpy as np
import pytest

from darkroom.errors import FileProblem
from darkroom.picture.desk import PIXELS, Desk, put, rows_at_a_time, take


def test_pictures_lie_on_a_desk_without_a_copy():
    desk = Desk.for_pixels(12)
    for array, whole in zip(
        desk.for_shape((3, 4, 3)), (desk.light, desk.spare, desk.keys, desk.levels), strict=True
    ):
        assert array.shape == (3, 4, 3)
        assert np.shares_memory(array, whole)


@pytest.mark.parametrize("columns", [1, 7, PIXELS, 3 * PIXELS])
def test_a_desk_takes_whole_rows(columns):
    rows = rows_at_a_time(columns)
    assert rows >= 1
    assert rows == 1 or rows * columns <= PIXELS


@pytest.mark.parametrize(
    "layout",
    [
        lambda p: p,
        lambda p: np.moveaxis(np.moveaxis(p, 0, -1).copy(), -1, 0),
        lambda p: p[..., ::-1],
    ],
    ids=["planar", "interleaved", "backwards"],
)
def test_pictures_of_any_layout_are_taken(layout):
    picture = layout(np.random.default_rng(0).random((3, 5, 6), dtype=np.float32))
    pixels = np.empty((5, 6, 3), np.float32)
    assert take(picture, pixels) == (picture.min(), picture.max())
    np.testing.assert_array_equal(pixels, np.moveaxis(picture, 0, -1))


def test_grey_is_taken_three_times():
    pixels = np.empty((2, 2, 3), np.float32)
    take(np.full((1, 2, 2), 0.25, np.float32), pixels)
    assert (pixels == 0.25).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (1, 3, 4), (2, 6, 6)])
def test_one_value_that_is_no_number_is_found(poison, place):
    picture = np.full((3, 7, 7), 3e38, np.float32)  # whose sum is none either
    take(picture, np.empty((7, 7, 3), np.float32))
    picture[place] = poison
    with pytest.raises(FileProblem, match="E_NONFINITE"):
        take(picture, np.empty((7, 7, 3), np.float32))


def test_levels_are_put_upright_and_turned():
    levels = np.arange(24, dtype=np.uint16).reshape(2, 4, 3)
    upright, turned = np.zeros((2, 4, 3), np.uint16), np.zeros((4, 2, 3), np.uint16)
    put(levels, upright)
    put(levels, turned.swapaxes(0, 1)[::-1])
    np.testing.assert_array_equal(upright, levels)
    np.testing.assert_array_equal(turned.swapaxes(0, 1), levels[::-1])
