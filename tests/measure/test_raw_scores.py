import numpy as np
import pytest

from darkroom.measure.raw_scores import raw_psnr, raw_ssim


def pair(noise: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 1, (6, 7, 4)).repeat(4, axis=0).repeat(4, axis=1)
    return truth, truth + rng.normal(0, noise, truth.shape)


def test_both_equal_scikit_image_with_its_defaults() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    truth, result = (np.clip(planes, 0, 1) for planes in pair())
    expected = metrics.structural_similarity(
        255 * truth, 255 * result, data_range=255, channel_axis=-1
    )
    assert raw_ssim(truth, result) == pytest.approx(expected, abs=1e-6)
    expected = metrics.peak_signal_noise_ratio(255 * truth, 255 * result, data_range=255)
    assert raw_psnr(truth, result) == pytest.approx(expected, abs=1e-6)


def test_what_lies_outside_is_cut() -> None:
    truth, result = pair()
    assert raw_psnr(truth, result) == raw_psnr(truth, np.clip(result, 0, 1))
    assert raw_ssim(truth + 5, truth + 7) == pytest.approx(1)


def test_less_noise_scores_more() -> None:
    for score in (raw_psnr, raw_ssim):
        scores = [score(*pair(noise)) for noise in (0.2, 0.05, 0.01)]
        assert scores == sorted(scores)


def test_planes_must_agree() -> None:
    truth, result = pair()
    for score in (raw_psnr, raw_ssim):
        with pytest.raises(ValueError, match="shape"):
            score(truth, result[1:])
    with pytest.raises(ValueError, match="7 x 7"):
        raw_ssim(truth[:6], result[:6])
