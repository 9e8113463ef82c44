import math

import numpy as np
import pytest

from darkroom.measure.mse import mse
from darkroom.measure.psnr import psnr


def test_equal_pictures_have_no_error() -> None:
    picture = np.random.default_rng(0).random((5, 6, 3))
    assert mse(picture, picture.copy()) == 0


def test_it_is_what_the_psnr_is_made_of() -> None:
    truth, result = np.random.default_rng(1).random((2, 9, 9, 3))
    assert -10 * math.log10(mse(truth, result)) == pytest.approx(psnr(truth, result))
    assert mse(truth, result) == mse(result, truth)


def test_unsigned_integers_do_not_wrap() -> None:
    assert mse(np.array([0, 200], np.uint8), np.array([2, 198], np.uint8)) == 4


def test_different_or_empty_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        mse(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="empty"):
        mse(np.zeros((0, 3)), np.zeros((0, 3)))
