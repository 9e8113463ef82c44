"""The line of noise under blocks of a picture: variance = shot * signal + read.

Blocks that hold detail lie above it. So it begins at the least varying blocks of each brightness,
and is drawn again through all blocks that it alone explains.
"""

import math

import numpy as np
import numpy.typing as npt

LOW_QUANTILE, LOW_NORMAL = 0.02, -2.0537  # the share of blocks taken as smooth, and its z value
BINS, BLOCKS_PER_BIN = 12, 60
ROUNDS = 20
UPPER_LIMIT = 0.5  # standard deviations above the line up to which a block counts as smooth
LOWER_LIMIT = 4.0  # and below it, where clipping or compression took noise away
SHOT_FLOOR = 1e-9
READ_SHARE = 0.015  # most read noise of a sensor: that of so much light, of the most it holds;
READ_ELECTRONS = 10  # but so many electrons are always allowed

Array = npt.NDArray[np.float64]


def noise_line(
    signal: Array, variance: Array, freedom: float, quantisation: float
) -> tuple[float, float]:
    """Return (shot, read) of the line under the blocks.

    Args:
        signal: (n,) mean of each block.
        variance: (n,) variance of its residual: noise, and detail where there is some.
        freedom: degrees of freedom of one variance.
        quantisation: variance of rounding to counts, the least possible read noise.
    """
    if not len(signal):
        return SHOT_FLOOR, quantisation
    line = lower_line(signal, variance, freedom, quantisation)
    best, most, count = line, 0, 0
    for _ in range(ROUNDS):
        smooth = near_line(signal, variance, line, math.sqrt(2 / freedom))
        count = int(np.count_nonzero(smooth))
        if count > most:
            best, most = line, count
        if count == 0:
            break
        line = refined_line(signal[smooth], variance[smooth], line, freedom)
        line = line[0], max(line[1], quantisation)
    # Frames that break the model (lossy compression) let the line slide away from the blocks.
    shot, read = line if count > most / 2 else best
    return max(shot, SHOT_FLOOR), read


def near_line(
    signal: Array, variance: Array, line: tuple[float, float], spread: float
) -> npt.NDArray[np.bool_]:
    """Mark the blocks that noise of this line alone explains."""
    ratio = variance / (line[0] * signal + line[1])
    return (ratio < 1 + UPPER_LIMIT * spread) & (ratio > 1 - LOWER_LIMIT * spread)


def refined_line(
    signal: Array, variance: Array, line: tuple[float, float], freedom: float
) -> tuple[float, float]:
    """Fit the line again to blocks cut at UPPER_LIMIT, and correct for the cut."""
    # Mean of a normal distribution cut at UPPER_LIMIT standard deviations.
    density = math.exp(-(UPPER_LIMIT**2) / 2) / math.sqrt(2 * math.pi)
    share = (1 + math.erf(UPPER_LIMIT / math.sqrt(2))) / 2
    cut_mean = 1 - math.sqrt(2 / freedom) * density / share
    shot, read = sensor_line(signal, variance, 1 / (line[0] * signal + line[1]) ** 2)
    return shot / cut_mean, read / cut_mean


def lower_line(
    signal: Array, variance: Array, freedom: float, quantisation: float
) -> tuple[float, float]:
    """Return a first (shot, read) through the low quantile of each brightness class."""
    # Wilson & Hilferty 1931: the quantile of a mean of squares, for blocks of noise alone.
    ninth = 2 / (9 * freedom)
    bias = (1 - ninth + LOW_NORMAL * math.sqrt(ninth)) ** 3
    classes = np.array_split(np.argsort(signal), max(1, min(BINS, len(signal) // BLOCKS_PER_BIN)))
    levels = np.array([signal[members].mean() for members in classes])
    lows = np.array([np.quantile(variance[members], LOW_QUANTILE) for members in classes])
    lows = np.maximum(lows / bias, quantisation)
    shot, read = sensor_line(levels, lows, 1 / lows**2)
    for _ in range(10):
        expected = shot * levels + max(read, quantisation)
        # A class far above the line holds detail everywhere: the farther, the less it counts.
        above = np.maximum(lows / expected, 1.0)
        weight = np.where(above > 1.15, 0.3 / above**2, 1.0) / expected**2
        shot, read = sensor_line(levels, lows, weight)
    return shot, max(read, quantisation)


def sensor_line(level: Array, value: Array, weight: Array) -> tuple[float, float]:
    """Fit value = shot * level + read, with no more read noise than a sensor may have.

    One electron has the variance shot**2, and read / shot is the signal whose light is as noisy.
    Where the dark parts of a picture are those with the most detail, an open fit takes that for
    read noise; then the two are tied to one another.
    """
    shot, read = fit_line(level, value, weight)
    most = max(READ_SHARE, READ_ELECTRONS**2 * shot)
    if read > most * shot:
        reach = level + most
        shot = float((weight * value * reach).sum() / (weight * reach**2).sum())
        read = most * shot
    return shot, read


def fit_line(level: Array, value: Array, weight: Array) -> tuple[float, float]:
    """Fit value = slope * level + offset by weighted least squares, neither of them negative."""
    weight = weight / weight.sum()
    mean_level, mean_value = (weight * level).sum(), (weight * value).sum()
    square, product = (weight * level**2).sum(), (weight * level * value).sum()
    scatter = square - mean_level**2
    slope = (product - mean_level * mean_value) / scatter if scatter > 1e-9 * square else 0.0
    offset = mean_value - slope * mean_level
    if slope < 0:
        return 0.0, float(mean_value)
    if offset < 0:
        return float(product / square), 0.0
    return float(slope), float(offset)
