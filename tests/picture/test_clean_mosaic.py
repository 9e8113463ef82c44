import numpy as np

from darkroom.picture.clean_mosaic import in_colours
from darkroom.picture.demosaic import demosaiced


def test_colours_are_left_as_they_are() -> None:
    picture = np.random.default_rng(0).random((3, 8, 8), np.float32)
    assert in_colours(picture, (2, 1, 2)) is picture


def test_a_mosaic_is_balanced_and_demosaiced() -> None:
    grey = np.full((32, 48), 0.2, np.float32)
    unbalanced = grey.copy()
    unbalanced[0::2, 0::2] /= 2
    unbalanced[1::2, 1::2] /= 1.6
    colours = in_colours(unbalanced[None], (2.0, 1.0, 1.6))
    assert colours.shape == (3, 32, 48)
    np.testing.assert_allclose(colours, 0.2, rtol=1e-5)


def test_a_balanced_mosaic_is_only_demosaiced() -> None:
    mosaic = np.random.default_rng(0).random((16, 16), np.float32)
    np.testing.assert_array_equal(in_colours(mosaic[None], np.ones(3)), demosaiced(mosaic))
