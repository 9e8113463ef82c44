import math

import numpy as np
import pytest

from darkroom.measure.psnr import psnr


def test_equal_pictures_are_infinitely_alike():
    picture = np.random.default_rng(0).random((5, 6, 3))
    assert psnr(picture, picture.copy()) == math.inf


def test_a_constant_error_has_a_known_value():
    grey = np.full((8, 8), 0.5)
    assert psnr(grey, grey + 0.01) == pytest.approx(40)
    assert psnr(grey, grey - 0.1) == pytest.approx(20)


def test_scaling_picture_and_peak_together_changes_nothing():
    rng = np.random.default_rng(1)
    truth, result = rng.random((2, 9, 9))
    expected = psnr(truth, result)
    assert psnr(truth * 255, result * 255, peak=255) == pytest.approx(expected)


def test_unsigned_integers_do_not_wrap():
    truth = np.array([0, 200], np.uint8)
    result = np.array([1, 199], np.uint8)
    assert psnr(truth, result, peak=255) == pytest.approx(20 * math.log10(255))
    assert psnr(result, truth, peak=255) == psnr(truth, result, peak=255)


def test_float32_is_summed_in_float64():
    truth = np.zeros(3_000_000, np.float32)
    assert psnr(truth, truth + np.float32(0.001)) == pytest.approx(60, abs=1e-5)


def test_equals_scikit_image():
    metrics = pytest.importorskip("skimage.metrics")
    truth, result = np.random.default_rng(2).random((2, 20, 30, 3))
    expected = metrics.peak_signal_noise_ratio(truth, result, data_range=1.0)
    assert psnr(truth, result) == pytest.approx(expected, abs=1e-9)


def test_different_or_empty_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        psnr(np.zeros((2, 3)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="empty"):
        psnr(np.zeros((0, 3)), np.zeros((0, 3)))
