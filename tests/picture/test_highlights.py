import numpy as np
import pytest

from darkroom.picture.highlights import LARGEST, clip_highlights, fade_highlights

ONE = np.float32(1)


def test_colours_well_below_the_clip_are_untouched():
    below = np.random.default_rng(1).random((3, 90, 7), dtype=np.float32)
    below[1] *= 0.8  # no pixel has all channels near the clip
    np.testing.assert_allclose(clip_highlights(below, ONE), below, atol=1e-7)


def test_neutrals_keep_their_brightness_up_to_the_clip():
    greys = np.linspace(-0.1, 1, 500, dtype=np.float32)[None, None].repeat(3, axis=0)
    np.testing.assert_allclose(clip_highlights(greys, ONE), greys, atol=1e-7)


@pytest.mark.parametrize("hue", [(1.0, 0.6, 0.25), (1.4, 1.0, 1.3), (0.9, 1.0, 0.95)])
def test_highlights_fade_to_neutral_without_a_step(hue):
    light = np.float32(hue)[:, None] * np.linspace(0.5, 8, 4001, dtype=np.float32)
    faded = clip_highlights(light[:, None], ONE)[:, 0]
    assert np.diff(faded).min() >= -1e-6  # never darker
    assert np.abs(np.diff(faded)).max() < 0.01  # no step
    np.testing.assert_allclose(faded[:, -1], 1, atol=1e-6)


def test_highlights_never_change_the_order_of_channels():
    linear = np.random.default_rng(2).exponential(1, (3, 40, 40)).astype(np.float32)
    faded = clip_highlights(linear, ONE)
    before = np.diff(linear, axis=0)
    after = np.diff(faded, axis=0)
    assert (after * np.sign(before)).min() >= -1e-6


def test_pixels_that_do_not_fade_stay_what_they_are_beside_ones_that_do():
    pixels = np.random.default_rng(3).random((40, 30, 3), dtype=np.float32) * 0.8
    blown = pixels.copy()
    blown[7, 11] = (1.5, 1.2, 0.9)
    fade_highlights(blown, ONE, (0.0, 1.5))
    pixels[7, 11] = blown[7, 11] = 0
    np.testing.assert_array_equal(blown, pixels)


def test_fading_in_place_is_fading_everywhere():
    pixels = np.random.default_rng(4).uniform(-0.2, 2, (20, 30, 3)).astype(np.float32)
    everywhere = np.moveaxis(clip_highlights(np.moveaxis(pixels, -1, 0), ONE), 0, -1)
    fade_highlights(pixels, ONE, (float(pixels.min()), float(pixels.max())))
    np.testing.assert_array_equal(pixels, everywhere)


def test_what_is_far_below_black_does_not_grow_beyond_numbers():
    pixels = np.full((1, 2, 3), -3e38, np.float32)
    fade_highlights(pixels, ONE, (-3e38, -3e38))
    assert (pixels == -LARGEST).all()
