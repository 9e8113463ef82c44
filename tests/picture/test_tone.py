import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.picture import tone
from darkroom.picture.tone import TONES, srgb_decode, srgb_encode

LIGHT = np.concatenate([[0.0], np.geomspace(1e-7, 1e4, 20001)])
EVERY_TONE = pytest.mark.parametrize("curve", TONES.values(), ids=TONES)


@EVERY_TONE
def test_black_is_0_and_nothing_leaves_0_to_1(curve):
    encoded = curve(LIGHT)
    assert encoded[0] == 0
    assert encoded.min() >= 0
    assert encoded.max() <= 1


@EVERY_TONE
def test_more_light_is_never_darker(curve):
    assert np.diff(curve(LIGHT)).min() >= -1e-12


@EVERY_TONE
def test_noise_below_black_is_black(curve):
    assert curve(np.array([-1e-6, -0.5, -3.0])).tolist() == [0, 0, 0]


@EVERY_TONE
def test_float32_keeps_its_type_and_is_as_exact_as_it_can_be(curve):
    encoded = curve(LIGHT.astype(np.float32))
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, curve(LIGHT), atol=5e-7)


@given(st.floats(0, 1))
def test_decoding_undoes_encoding(linear):
    assert float(srgb_decode(srgb_encode(linear))) == pytest.approx(linear, abs=2e-9)


def test_srgb_follows_the_standard():
    # IEC 61966-2-1: the line, its end, mid-grey and white.
    encoded = srgb_encode([0.001, 0.0031308, 0.214041140482, 1.0])
    np.testing.assert_allclose(encoded, [0.01292, 0.04044994, 0.5, 1.0], atol=1e-7)


def test_standard_is_srgb_up_to_its_knee():
    below = LIGHT[srgb_encode(LIGHT) <= tone.KNEE]
    assert below.max() > 0.65
    np.testing.assert_array_equal(tone.standard(below), srgb_encode(below))


def test_standard_joins_its_shoulder_without_a_corner():
    knee = float(srgb_decode(tone.KNEE))
    step = 1e-5
    values = tone.standard(knee + step * np.array([-2.0, -1.0, 1.0, 2.0]))
    slope_below, slope_above = (values[1] - values[0]) / step, (values[3] - values[2]) / step
    assert slope_above == pytest.approx(slope_below, rel=1e-3)
    assert values[2] - values[1] == pytest.approx(2 * step * slope_below, rel=1e-3)


def test_standard_keeps_detail_up_to_the_brightest_light_of_the_frame():
    white, twice, four_times, end = tone.standard([1.0, 2.0, 4.0, 8.0])
    assert 0.91 <= white <= 0.96
    assert twice - white > 0.02
    assert four_times - twice > 0.01  # more than two levels of an 8-bit picture
    assert end == pytest.approx(1)


def test_standard_keeps_white_white_in_a_frame_without_brighter_light():
    light = np.linspace(0, 1, 101)
    np.testing.assert_allclose(tone.standard(light, 1.0), srgb_encode(light), atol=1e-12)


@pytest.mark.parametrize("brightest", [1.0, 1.5, 3.0, 8.0])
def test_standard_is_smooth_and_ends_in_white_wherever_the_sensor_ends(brightest):
    light = np.linspace(0, brightest, 4001)
    encoded = tone.standard(light, brightest)
    assert encoded[-1] == pytest.approx(1)
    assert (np.diff(encoded) > 0).all()


def test_libraw_constants_solve_for_a_smooth_joint():
    toe, offset, power = tone.LIBRAW_TOE, tone.LIBRAW_OFFSET, tone.LIBRAW_POWER
    assert (1 + offset) * toe**power - offset == pytest.approx(4.5 * toe, abs=1e-14)
    assert (1 + offset) * power * toe ** (power - 1) == pytest.approx(4.5, abs=1e-11)
    assert float(tone.libraw(1.0)) == 1


def test_libraw_matches_the_rounded_constants_of_bt_709():
    linear = np.linspace(0.02, 1, 99)
    np.testing.assert_allclose(tone.libraw(linear), 1.099 * linear**0.45 - 0.099, atol=4e-4)


def test_linear_only_clips():
    assert TONES["linear"](np.array([0.25, 1.0, 7.0])).tolist() == [0.25, 1, 1]
