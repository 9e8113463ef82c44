import numpy as np
import pytest

from darkroom.camera.rowcheck import MIN_RUN, check_rows, check_signal
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import noisy_mosaic

WHITE = 16383


def refusal(mosaic) -> FailureCode:
    with pytest.raises(FileProblem) as caught:
        check_rows(mosaic, WHITE)
    return caught.value.code


def test_noise_passes():
    assert check_rows(noisy_mosaic(), WHITE) == ()


@pytest.mark.parametrize("lag", [1, 2])
def test_rows_repeated_to_the_end_are_refused(lag):
    mosaic = noisy_mosaic()
    for row in range(60, 96):
        mosaic[row] = mosaic[row - lag]
    assert refusal(mosaic) == FailureCode.CORRUPT


def test_a_constant_tail_is_refused():
    mosaic = noisy_mosaic()
    mosaic[-MIN_RUN:] = 512
    assert refusal(mosaic) == FailureCode.CORRUPT


def test_a_short_constant_tail_passes():
    mosaic = noisy_mosaic()
    mosaic[-MIN_RUN + 1 :] = 512
    assert check_rows(mosaic, WHITE) == ()


def test_a_zero_band_in_the_middle_is_refused():
    mosaic = noisy_mosaic()
    mosaic[30:60] = 0
    assert refusal(mosaic) == FailureCode.CORRUPT


def test_a_repeating_band_in_the_middle_is_a_warning_with_its_rows():
    mosaic = noisy_mosaic()
    mosaic[30:60] = 512
    (warning,) = check_rows(mosaic, WHITE)
    assert "rows 30 to 59 of 96" in warning


def test_saturated_rows_are_left_out():
    mosaic = noisy_mosaic()
    mosaic[30:] = WHITE
    assert check_rows(mosaic, WHITE) == ()


def test_rows_far_above_saturation_are_erased_memory():
    mosaic = noisy_mosaic()
    mosaic[-MIN_RUN:] = 65535
    assert refusal(mosaic) == FailureCode.CORRUPT
    assert check_rows(mosaic, 65535) == ()  # a camera that counts so far may have a blown sky


def test_rows_equal_only_at_the_probed_columns_pass():
    mosaic = noisy_mosaic()
    mosaic[:, ::16] = 700
    assert check_rows(mosaic, WHITE) == ()


BLACK = (512, 512, 512, 512)


def test_a_frame_with_a_picture_passes():
    assert check_signal(noisy_mosaic(), BLACK) is None


def test_one_value_everywhere_is_black():
    with pytest.raises(FileProblem, match="same value") as caught:
        check_signal(np.full((20, 20), 5000, np.uint16), BLACK)
    assert caught.value.code == FailureCode.BLACK


def test_nothing_above_black_is_black():
    with pytest.raises(FileProblem, match="above the black level") as caught:
        check_signal(noisy_mosaic(low=100, high=513), BLACK)
    assert caught.value.code == FailureCode.BLACK


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_pixel_above_its_own_black_is_a_picture(place):
    mosaic = noisy_mosaic(low=100, high=400)
    levels = [600.0] * 4
    levels[2 * place[0] + place[1]] = 450.0
    with pytest.raises(FileProblem):
        check_signal(mosaic, levels)
    mosaic[place] = 451
    check_signal(mosaic, levels)
