from types import SimpleNamespace

import numpy as np
import pytest

from darkroom.camera.colour import (
    SRGB_TO_XYZ,
    XYZ_TO_SRGB,
    dng_matrix,
    gains,
    white_balance,
    white_point_gains,
    xyz_to_camera,
)
from darkroom.camera.directories import Directory, Tiff
from tests.raw_files import MATRIX

NOTHING = np.zeros((4, 3))
D65 = (0.9505, 1.0, 1.0891)


def decoded(**changes):
    values = {
        "rgb_xyz_matrix": NOTHING,
        "color_matrix": np.zeros((3, 4)),
        "camera_whitebalance": [0.0, 1.0, 0.0, 0.0],
        "daylight_whitebalance": [1.0, 1.0, 1.0, 0.0],
    }
    return SimpleNamespace(**(values | changes))


def tiff(**numbers) -> Tiff:
    return Tiff(42, (Directory({int(tag[1:]): values for tag, values in numbers.items()}, {}),))


def flat(matrix) -> tuple[float, ...]:
    return tuple(float(value) for value in np.ravel(matrix))


def test_the_table_of_libraw_comes_second():
    raw = decoded(rgb_xyz_matrix=np.vstack([MATRIX, np.zeros(3)]))
    stated, _ = xyz_to_camera(raw, tiff(_50721=flat(np.eye(3))))
    assert np.array_equal(stated, np.eye(3))
    matrix, warnings = xyz_to_camera(raw, None)
    assert np.array_equal(matrix, MATRIX)
    assert warnings == ()


def test_the_file_comes_first_scaled_by_its_analog_balance():
    source = tiff(_50721=flat(MATRIX), _50727=(2.0, 1.0, 3.0))
    assert np.allclose(dng_matrix(source), MATRIX * [[2.0], [1.0], [3.0]])


def test_the_matrix_behind_camera_to_srgb_comes_third():
    neutral = MATRIX @ D65
    camera_to_srgb = np.linalg.inv(MATRIX @ SRGB_TO_XYZ / neutral[:, None])
    raw = decoded(
        color_matrix=np.hstack([camera_to_srgb, np.zeros((3, 1))]),
        daylight_whitebalance=[*(1 / neutral), 0.0],
    )
    matrix, warnings = xyz_to_camera(raw, None)
    assert np.allclose(matrix / matrix[1, 1], MATRIX / MATRIX[1, 1], atol=1e-6)
    assert warnings == ()


@pytest.mark.parametrize("bad", [np.zeros((4, 3)), np.ones((4, 3)), np.full((4, 3), np.nan)])
def test_srgb_comes_last_with_a_warning(bad):
    matrix, warnings = xyz_to_camera(decoded(rgb_xyz_matrix=bad), tiff(_50721=flat(bad[:3])))
    assert np.array_equal(matrix, XYZ_TO_SRGB)
    assert len(warnings) == 1


def test_a_broken_matrix_gives_way_to_the_other_one():
    source = tiff(_50721=flat(MATRIX), _50722=(0.0,) * 9, _50779=(21,))
    assert np.allclose(dng_matrix(source), MATRIX)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 1], [1, -1, 1], [1, np.inf, 1], [np.nan, 1, 1], [1, 1], [100, 1, 1], [1, 1, 0.001]],
)
def test_numbers_that_cannot_be_gains(values):
    assert gains(values) is None


def test_the_picture_is_grey_on_average_in_the_last_resort():
    found, warnings = white_balance(decoded(), None, MATRIX, (0.1, 0.2, 0.4))
    assert found == pytest.approx((2.0, 1.0, 0.5))
    assert len(warnings) == 1


def test_without_light_the_gains_are_one():
    assert white_balance(decoded(), None, MATRIX, (-0.1, 0.0, 0.1))[0] == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("point", [(0.3, 0.0), (float("nan"), 0.3), (0.3,), (1.2, 0.3)])
def test_a_broken_white_point_is_ignored(point):
    assert white_point_gains(tiff(_50729=point), MATRIX) is None
