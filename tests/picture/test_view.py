import numpy as np
import pytest

from darkroom.picture.view import looked_at, view_of_square


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


def test_a_plain_view_is_a_crop(picture: np.ndarray) -> None:
    seen = looked_at(picture, view_of_square(8, centre=(14, 9), scale=1), 8)
    assert seen.dtype == np.float32
    assert np.allclose(seen * 255, picture[5:13, 10:18])


def test_a_mirrored_view_is_the_crop_mirrored(picture: np.ndarray) -> None:
    view = view_of_square(8, centre=(14, 9), scale=1, mirrored=True)
    assert np.allclose(looked_at(picture, view, 8) * 255, picture[5:13, 17:9:-1])


def test_a_quarter_turn_turns(picture: np.ndarray) -> None:
    view = view_of_square(8, centre=(14, 9), scale=1, tilt=np.pi / 2)
    assert np.allclose(looked_at(picture, view, 8) * 255, np.rot90(picture[5:13, 10:18], -1))


@pytest.mark.parametrize("scale", [0.5, 2.0, 3.0])
def test_scale_is_about_the_centre(scale: float) -> None:
    ramp = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (100, 1))
    seen = looked_at(ramp, view_of_square(10, centre=(50, 50), scale=scale), 10) * 255
    assert seen.mean() == pytest.approx(99, abs=0.5)  # views are rounded to bytes
    assert seen[0, -1] - seen[0, 0] == pytest.approx(18 / scale, abs=1)


def test_beyond_the_border_the_picture_is_mirrored(picture: np.ndarray) -> None:
    seen = looked_at(picture, view_of_square(4, centre=(0, 2), scale=1), 4) * 255
    assert np.allclose(seen[:, 1], seen[:, 2])


def test_grey_pictures_stay_grey() -> None:
    grey = np.full((9, 9), 51, np.uint8)
    view = view_of_square(5, centre=(4.5, 4.5), scale=1.3, tilt=0.2, stretch=1.1)
    assert np.allclose(looked_at(grey, view, 5), 0.2)
