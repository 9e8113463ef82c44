from types import SimpleNamespace

import pytest

from darkroom.camera.directories import Directory, Tiff
from darkroom.camera.levels import levels
from darkroom.camera.raw import MONO
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import noisy_mosaic

REPEAT_DIM, BLACK, WHITE, DNG_VERSION, SAMPLE_FORMAT = 50713, 50714, 50717, 50706, 339


def decoded(**changes):
    """Return what rawpy would offer for a frame that starts on red."""
    values = {
        "black_level_per_channel": (511, 512, 513, 514),  # R, G, B, second G
        "white_level": 17220,  # LibRaw's value for lossy Sony files, which clip at 16372
        "camera_white_level_per_channel": None,
        "sizes": SimpleNamespace(top_margin=0, left_margin=0),
        "raw_color": lambda row, column: ((0, 1), (3, 2))[row][column],
    }
    return SimpleNamespace(**(values | changes))


def dng(numbers):
    return Tiff(42, (Directory({DNG_VERSION: (1, 4, 0, 0), **numbers}, {}),))


def test_black_of_colours_goes_to_their_positions():
    assert levels(decoded(), None, noisy_mosaic(), "RGGB")[0] == (511, 512, 514, 513)


def test_white_per_channel_counts_where_it_is_lower():
    raw = decoded(camera_white_level_per_channel=(16372, 16372, 0, 16372))
    assert levels(raw, None, noisy_mosaic(), "RGGB")[1] == 16372


@pytest.mark.parametrize(
    ("numbers", "white"),
    [
        ({}, 17220),
        ({WHITE: (16000.0, 15000.0)}, 15000),
        ({WHITE: (0.0,)}, 17220),
        ({WHITE: (70000.0,)}, 17220),
        ({WHITE: (15000.0,), SAMPLE_FORMAT: (3,)}, 17220),
    ],
)
def test_a_white_that_a_dng_states_comes_first(numbers, white):
    assert levels(decoded(), dng(numbers), noisy_mosaic(), "RGGB")[1] == white


@pytest.mark.parametrize(
    ("numbers", "black"),
    [
        ({}, (511,) * 4),
        ({REPEAT_DIM: (1, 1), BLACK: (511,)}, (511,) * 4),
        ({REPEAT_DIM: (2, 2), BLACK: (0, 511, 600, 700)}, (0, 511, 600, 700)),
        ({REPEAT_DIM: (1, 4), BLACK: (511, 512, 513, 514)}, (511,) * 4),
        ({REPEAT_DIM: (2, 2), BLACK: (511, 512, float("nan"), 514)}, (511,) * 4),
        ({REPEAT_DIM: (2, 2), BLACK: (511, 512, -3, 514)}, (511,) * 4),
        ({REPEAT_DIM: (2, 2), BLACK: (1, 2, 3, 4), SAMPLE_FORMAT: (3,)}, (511,) * 4),
    ],
)
def test_black_of_a_monochrome_sensor(numbers, black):
    assert levels(decoded(), dng(numbers), noisy_mosaic(), MONO)[0] == black


@pytest.mark.parametrize("phase", ["RGGB", MONO])
def test_black_that_is_not_below_white_is_refused(phase):
    with pytest.raises(FileProblem) as caught:
        levels(decoded(white_level=511), None, noisy_mosaic(), phase)
    assert caught.value.code == FailureCode.METADATA
