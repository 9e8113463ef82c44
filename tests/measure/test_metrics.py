import math

import numpy as np
import pytest

from darkroom.errors import FileProblem
from darkroom.measure.colour_difference import delta_e_2000, srgb_to_lab
from darkroom.measure.metrics import METRICS, STRIP, mean_difference, scores_of
from darkroom.measure.ssim import WINDOW


def pictures(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    truth, result = np.random.default_rng(0).random((2, *shape, 3), np.float32)
    return truth, result


def test_equal_pictures_have_the_best_scores() -> None:
    truth, _ = pictures((WINDOW, WINDOW))
    scores = {name: metric.score(truth, truth.copy()) for name, metric in METRICS.items()}
    best = {"psnr": np.inf, "ssim": pytest.approx(1), "mse": 0, "cie76": 0, "ciede2000": 0}
    best["angular"] = 0
    assert {name: scores[name] for name in best} == best


def test_strips_make_no_difference() -> None:
    truth, result = pictures((2 * STRIP + 3, 5))
    whole = float(delta_e_2000(srgb_to_lab(truth), srgb_to_lab(result)).mean())
    assert mean_difference(delta_e_2000, truth, result) == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_pictures_of_the_stated_size_have_a_score(name: str) -> None:
    metric = METRICS[name]
    truth, result = pictures((metric.smallest, metric.smallest + 1))
    assert np.isfinite(metric.score(truth, result))
    assert metric.label


def test_pictures_smaller_than_a_window_miss_that_score_only() -> None:
    truth = np.full((10, 20, 3), 0.5, np.float32)
    scores = scores_of(truth, truth + np.float32(0.1))
    assert math.isnan(scores["ssim"])
    assert scores["psnr"] == pytest.approx(20, abs=1e-4)


def test_pictures_of_other_sizes_are_not_compared() -> None:
    truth, result = pictures((4, 5))[0], pictures((4, 6))[1]
    with pytest.raises(FileProblem, match="6 x 4 pixels, its truth 5 x 4"):
        scores_of(truth, result)
