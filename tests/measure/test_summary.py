import math

import numpy as np
import pytest

from darkroom.measure.summary import DRAWN_AT_ONCE, Summary, mean_interval, summary_of


def test_equal_values_leave_no_doubt() -> None:
    assert mean_interval([3.0] * 5) == (3.0, 3.0)


def test_the_interval_is_that_of_the_normal_distribution_for_many_values() -> None:
    values = np.random.default_rng(0).standard_normal(400)
    low, high = mean_interval(values)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_it_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    intervals = [mean_interval(rng.standard_normal(30)) for _ in range(60)]
    covered = sum(low < 0 < high for low, high in intervals)
    assert 50 <= covered <= 60


def test_the_same_values_give_the_same_interval() -> None:
    values = np.random.default_rng(2).random(20)
    assert mean_interval(values) == mean_interval(values.copy())


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("inf")], [1.0, float("nan")]])
def test_what_has_no_interval_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="two or more finite"):
        mean_interval(values)


def test_what_is_no_number_is_counted_and_left_out_of_the_mean() -> None:
    summary = summary_of([1.0, math.inf, 3.0, math.nan, math.nan])
    assert (summary.mean, summary.count, summary.infinite, summary.missing) == (2.0, 2, 1, 2)
    assert summary.interval is not None


def test_without_finite_values_there_is_no_interval() -> None:
    assert summary_of([math.inf]) == Summary(math.inf, None, 0, 1, 0)
    assert summary_of([5.0]) == Summary(5.0, None, 1, 0, 0)
    assert math.isnan(summary_of([]).mean)
    assert math.isnan(summary_of([math.nan]).mean)


def test_many_values_are_drawn_in_blocks() -> None:
    low, high = mean_interval(np.arange(DRAWN_AT_ONCE // 64) % 2)
    assert 0.4 < low < 0.5 < high < 0.6
