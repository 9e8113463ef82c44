import numpy as np
import pytest

from darkroom.errors import UsageProblem
from darkroom.picture import tone_table as room
from darkroom.picture.tone import BRIGHTEST, TONES
from darkroom.picture.tone_table import LAST_KEY, look_up, tone_table

ENDS = (1.0, 1.3, 3.0, BRIGHTEST)


def looked_up(light, tone, brightest):
    table = tone_table(tone, brightest)
    pixels = np.repeat(np.float32(light), 3).reshape(1, -1, 3)
    keys, levels = np.empty((2, *pixels.shape), np.uint16)
    spare = np.empty_like(pixels)
    look_up(pixels * np.float32(table.scale), table, keys, levels, spare=spare)
    return levels[0, :, 0]


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("brightest", ENDS)
def test_levels_are_within_two_of_the_exact_curve_and_never_fall(tone, brightest):
    light = np.concatenate([[0], np.geomspace(1e-7, 900, 400_000)]).astype(np.float32)
    levels = looked_up(light, tone, brightest)
    exact = TONES[tone](light.astype(np.float64), brightest) * 65535
    assert np.abs(levels - exact).max() <= 2
    assert np.diff(levels.astype(int)).min() >= 0


@pytest.mark.parametrize("tone", TONES)
def test_the_ends_are_black_and_white(tone):
    levels = looked_up([-3e20, -1.0, 0.0, 1e-45, 1e20], tone, BRIGHTEST)
    assert levels[:4].max() <= 2
    assert levels[-1] >= 65533


def test_tables_are_made_once_and_cannot_be_changed():
    table = tone_table("standard", 4.0)
    assert tone_table("standard", 4.0) is table
    assert table.levels.shape == (LAST_KEY + 1,)
    with pytest.raises(ValueError, match="read-only"):
        table.levels[0] = 1


def test_curves_that_end_at_white_have_all_keys_below_it():
    assert tone_table("srgb", BRIGHTEST).to_white == LAST_KEY
    assert tone_table("standard", 1.0).to_white == LAST_KEY
    assert tone_table("standard", 2.0).to_white < LAST_KEY


def test_an_older_opencv_gives_the_same(monkeypatch):
    light = np.geomspace(1e-6, 20, 5000)
    levels = looked_up(light, "standard", 5.0)
    monkeypatch.setattr(room, "HAS_DEEP_TABLES", False)
    np.testing.assert_array_equal(looked_up(light, "standard", 5.0), levels)


def test_an_unknown_tone_is_refused():
    with pytest.raises(UsageProblem, match="sepia"):
        tone_table("sepia", 1.0)
