import numpy as np
import pytest

from darkroom.measure.ms_ssim import (
    SMALLEST,
    WEIGHTS,
    halved,
    ms_ssim,
    score_on_scales,
    weights_for,
)
from darkroom.measure.ssim import C1, C2, ssim, window_matrix


def pair(*shape, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    columns = np.linspace(0, 9, shape[1]).reshape(1, -1, *[1] * (len(shape) - 2))
    truth = 0.5 + 0.4 * np.sin(columns) * np.ones(shape)
    return truth, np.clip(truth + noise * rng.standard_normal(shape), 0, 1)


def direct(truth, result):
    """Equation 7 of the paper, the whole picture of each scale at once."""
    score = 1.0
    for scale, weight in enumerate(WEIGHTS, 1):
        rows, columns = (window_matrix(size) for size in truth.shape)
        mt, mr, tt, rr, tr = (
            rows @ picture @ columns.T
            for picture in (truth, result, truth * truth, result * result, truth * result)
        )
        luminance = (2 * mt * mr + C1) / (mt**2 + mr**2 + C1)
        structure = (2 * (tr - mt * mr) + C2) / (tt - mt**2 + rr - mr**2 + C2)
        if scale == 5:
            return score * np.mean(luminance * structure) ** weight
        score *= np.mean(structure) ** weight
        truth, result = (
            np.mean([p[i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=0)
            for p in (truth, result)
        )
    raise AssertionError


def test_equal_pictures_score_1():
    truth, _ = pair(180, 200, 3)
    assert ms_ssim(truth, truth.copy()) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("shape", [(176, 176), (192, 256)])
def test_equals_the_definition(shape):
    truth, result = pair(*shape)
    assert ms_ssim(truth, result) == pytest.approx(direct(truth, result), abs=1e-12)


def test_a_known_value():
    # As pytorch-msssim 1.0.0 gives it with the same weights, to its float32 window.
    truth = np.clip(0.5 + 0.3 * np.sin(np.arange(192) / 9) * np.ones((176, 1)), 0, 1)
    result = 0.6 * truth + 0.2 * np.cos(np.arange(176)[:, None] / 5) ** 2
    assert ms_ssim(truth, result) == pytest.approx(0.7098031, abs=2e-6)


def test_more_noise_scores_less_and_order_does_not_matter():
    scores = [ms_ssim(*pair(176, 180, noise=noise)) for noise in (0.01, 0.05, 0.2)]
    assert scores == sorted(scores, reverse=True)
    truth, result = pair(176, 176)
    assert ms_ssim(truth, result) == pytest.approx(ms_ssim(result, truth), abs=1e-12)


def test_fine_noise_hurts_less_than_on_one_scale():
    truth, result = pair(176, 176)
    assert ms_ssim(truth, result) > ssim(truth, result)


def test_colour_is_the_mean_of_its_channels():
    truth, result = pair(176, 177, 3, seed=2)
    channels = [ms_ssim(truth[..., c], result[..., c]) for c in range(3)]
    assert ms_ssim(truth, result) == pytest.approx(np.mean(channels), abs=1e-12)


def test_pictures_that_oppose_each_other_score_0():
    truth, _ = pair(176, 176)
    assert ms_ssim(truth, 1 - truth) == 0


def test_one_scale_is_plain_similarity():
    truth, result = pair(30, 40, 3)
    assert score_on_scales(truth, result, (1.0,)) == pytest.approx(ssim(truth, result), abs=1e-12)


def test_scales_fit_the_window_and_weigh_1_together():
    assert weights_for(SMALLEST) == WEIGHTS
    for side in (11, 21, 22, 43, 44, 64, 87, 88, 128, 175):
        weights = weights_for(side)
        assert sum(weights) == pytest.approx(1)
        assert side / 2 ** (len(weights) - 1) >= 11
        assert side / 2 ** len(weights) < 11
    with pytest.raises(ValueError, match="11 x 11"):
        weights_for(10)


def test_the_edge_of_odd_sizes_is_repeated():
    picture = np.array([[0.0, 1.0, 4.0], [2.0, 5.0, 6.0], [8.0, 10.0, 3.0]])
    assert halved(picture).tolist() == [[2.0, 5.0], [9.0, 3.0]]
    assert halved(picture.astype(np.float32)).dtype == np.float64


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((200, 200), (200, 201)), "differ in shape"),
        (((200,), (200,)), r"\(H, W\)"),
        (((175, 400), (175, 400)), "smaller than 176 x 176"),
        (((400, 175, 3), (400, 175, 3)), "smaller than 176 x 176"),
    ],
)
def test_wrong_shapes_are_refused_in_words(shapes, words):
    with pytest.raises(ValueError, match=words):
        ms_ssim(np.zeros(shapes[0]), np.zeros(shapes[1]))
