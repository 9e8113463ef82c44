import numpy as np
import pytest

from darkroom.picture.resampling import enlarged, enlarged_rows, shape_within, shrunk


def planes(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def test_a_small_picture_keeps_its_shape() -> None:
    assert shape_within((30, 40), 40) == (30, 40)
    assert shape_within((30, 40), 39) == (29, 39)
    assert shape_within((1, 4000), 100) == (1, 100)


def test_shrinking_averages_areas() -> None:
    picture = planes(2, 12, 20)
    small = shrunk(picture, (3, 5))
    np.testing.assert_allclose(small, picture.reshape(2, 3, 4, 5, 4).mean((2, 4)), atol=1e-6)


def test_the_own_size_changes_nothing() -> None:
    picture = planes(3, 7, 9)
    assert shrunk(picture, (7, 9)) is picture
    assert enlarged(picture, (7, 9)) is picture


def test_enlarging_keeps_a_slope_a_slope() -> None:
    slope = (np.arange(8, dtype=np.float32) + 0.5)[None, None].repeat(4, axis=1) / 8
    large = enlarged(slope, (12, 40))
    np.testing.assert_allclose(large[0, 0, 5:-5], ((np.arange(40) + 0.5) / 40)[5:-5], atol=1e-6)


@pytest.mark.parametrize("shape", [(37, 41), (7, 9), (300, 10), (8, 9)])
@pytest.mark.parametrize("rows", [1, 8, 500])
def test_rows_are_those_of_the_whole(shape: tuple[int, int], rows: int) -> None:
    picture = planes(3, 7, 9)
    whole = enlarged(picture, shape)
    for top in range(0, shape[0], rows):
        span = slice(top, min(top + rows, shape[0]))
        np.testing.assert_allclose(enlarged_rows(picture, shape, span), whole[:, span], atol=1e-6)


def test_a_picture_of_one_row_can_be_enlarged() -> None:
    row = planes(1, 1, 5)
    np.testing.assert_allclose(enlarged_rows(row, (9, 5), slice(0, 9)), row.repeat(9, axis=1))
