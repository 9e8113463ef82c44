"""One score over many pictures: its mean, and how sure that is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SHARE = 0.95  # of the resampled means that lie inside the interval
RESAMPLES = 2000
SEED = 0
DRAWN_AT_ONCE = 1 << 18  # values: keeps the memory at a few megabytes


@dataclass(frozen=True)
class Summary:
    """One score over many pictures.

    Attributes:
        mean: of the finite values; infinite if there are only infinite ones, NaN if none.
        interval: 95 % of the mean, None for fewer than two finite values.
        count: finite values.
        infinite: PSNRs of equal pictures.
        missing: pictures that are too small for this score.
    """

    mean: float
    interval: tuple[float, float] | None
    count: int
    infinite: int
    missing: int


def summary_of(values: Sequence[float]) -> Summary:
    """Return the mean of the finite values, and count the others.

    >>> summary_of([30.0, 30.0, math.inf])
    Summary(mean=30.0, interval=(30.0, 30.0), count=2, infinite=1, missing=0)
    """
    finite = [value for value in values if math.isfinite(value)]
    infinite = sum(math.isinf(value) for value in values)
    return Summary(
        mean=float(np.mean(finite)) if finite else math.inf if infinite else math.nan,
        interval=mean_interval(finite) if len(finite) > 1 else None,
        count=len(finite),
        infinite=infinite,
        missing=len(values) - len(finite) - infinite,
    )


def mean_interval(values: npt.ArrayLike) -> tuple[float, float]:
    """Return the 95 % interval of the mean of independent values.

    Efron, Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13: the values are drawn
    again with replacement 2000 times, and the interval holds the middle 95 % of the means. The
    draws have a fixed seed, so equal values give equal intervals.

    Args:
        values: (n,) finite numbers, two or more.

    Raises:
        ValueError: there are fewer than two values, or some are not finite.

    >>> low, high = mean_interval([1.0, 2.0, 3.0, 4.0])
    >>> 1 <= low < 2.5 < high <= 4
    True
    """
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError("an interval needs two or more finite values in one row")
    rng, count = np.random.default_rng(SEED), len(values)
    block = max(1, min(RESAMPLES, DRAWN_AT_ONCE // count))
    sizes = [min(block, RESAMPLES - start) for start in range(0, RESAMPLES, block)]
    draws = (rng.integers(count, size=(size, count)) for size in sizes)
    means = np.concatenate([values[draw].mean(axis=1) for draw in draws])
    low, high = np.quantile(means, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    return float(low), float(high)
