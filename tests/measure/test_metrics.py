import math

import numpy as np
import pytest

from darkroom.errors import FileProblem
from darkroom.measure.colour_difference import delta_e_2000, srgb_to_lab
from darkroom.measure.metrics import (
    MATLAB_METRICS,
    METRICS,
    RAW_METRICS,
    STRIP,
    mean_difference,
    scores_of,
)
from darkroom.measure.ms_ssim import SMALLEST
from darkroom.measure.ssim import WINDOW


def pictures(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    truth, result = np.random.default_rng(0).random((2, *shape, 3), np.float32)
    return truth, result


def test_equal_pictures_have_the_best_scores() -> None:
    truth, _ = pictures((SMALLEST, SMALLEST))
    scores = {name: metric.score(truth, truth.copy()) for name, metric in METRICS.items()}
    best = {"psnr": np.inf, "ssim": pytest.approx(1), "mse": 0, "cie76": 0, "ciede2000": 0}
    best |= {"angular": 0, "ms_ssim": pytest.approx(1)}
    assert scores == best


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
    assert math.isnan(scores["ms_ssim"])
    assert scores["psnr"] == pytest.approx(20, abs=1e-4)


def test_five_scales_need_more_than_one() -> None:
    scores = scores_of(*pictures((WINDOW, SMALLEST)))
    assert math.isnan(scores["ms_ssim"])
    assert math.isfinite(scores["ssim"])


def test_other_metrics_are_scored_in_place_of_these() -> None:
    truth, result = pictures((20, 24))
    plain, matlab, raw = (
        scores_of(truth, result, m) for m in (METRICS, MATLAB_METRICS, RAW_METRICS)
    )
    assert {*plain} == {*matlab} > {*raw}
    assert len({plain["ssim"], matlab["ssim"], raw["ssim"]}) == 3
    assert plain["psnr"] == matlab["psnr"] == pytest.approx(raw["psnr"])
    assert math.isnan(scores_of(truth[:6], result[:6], RAW_METRICS)["ssim"])


def test_pictures_of_other_sizes_are_not_compared() -> None:
    truth, result = pictures((4, 5))[0], pictures((4, 6))[1]
    with pytest.raises(FileProblem, match="6 x 4 pixels, its truth 5 x 4"):
        scores_of(truth, result)
