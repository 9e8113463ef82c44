import numpy as np
import pytest

from darkroom.errors import FileProblem
from darkroom.picture.levels import levels_of
from darkroom.picture.strips import BAND_ROWS as STRIP


def test_strips_do_not_show_and_values_are_clipped() -> None:
    picture = np.random.default_rng(0).uniform(-0.2, 1.2, (3, 2 * STRIP + 5, 7)).astype(np.float32)
    levels = levels_of(picture)
    expected = np.rint(picture.clip(0, 1) * np.float32(65535))
    np.testing.assert_array_equal(levels, np.moveaxis(expected, 0, -1))
    assert levels.dtype == np.uint16


def test_grey_gets_three_equal_channels() -> None:
    levels = levels_of(np.full((1, 3, 4), 0.5, np.float32))
    assert levels.shape == (3, 4, 3)
    assert np.unique(levels).tolist() == [32768]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(FileProblem, match="E_NONFINITE"):
        levels_of(np.full((3, 2, 2), np.nan, np.float32))
