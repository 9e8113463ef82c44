"""Fit a Tukey-lambda distribution to read noise by its probability plot.

The shape is the one whose quantiles correlate best with those of the noise (Filliben 1975, "The
Probability Plot Correlation Coefficient Test for Normality"), the scale is the slope of that plot;
so do Wei et al. 2020 (ELD). Noise comes here as the difference of two frames, which has no fixed
pattern, and as whole counts: both are part of the quantiles it is compared with.
"""

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

POINTS = 999
LOWEST_SHAPE, HIGHEST_SHAPE = -0.3, 0.4  # beyond them no read noise was ever reported
GRIDS = (
    (0.7, 15),
    (0.1, 11),
)  # width and number of the shapes that are tried: first all, then near
STEPS = 8192  # of a grid over +-SPREAD scales
SPREAD = 120.0
LOGITS = np.linspace(-18.0, 18.0, 6001)
ROUNDING = 1 / 12  # variance of rounding to counts


def plotting_positions(count: int = POINTS) -> Array:
    """Return Filliben's medians of the order statistics of `count` uniform numbers, (count,)."""
    last = 0.5 ** (1 / count)
    inner = (np.arange(2, count) - 0.3175) / (count + 0.365)
    return np.concatenate([[1 - last], inner, [last]])


def tukey_deviation(shape_lambda: float) -> float:
    """Return the deviation of a Tukey-lambda distribution of scale 1 (Joiner & Rosenblatt 1971).

    >>> round(tukey_deviation(0.0), 4), round(tukey_deviation(1.0), 4)
    (1.8138, 0.5774)
    """
    if abs(shape_lambda) < 1e-3:
        return math.pi / math.sqrt(3)
    twin = math.gamma(shape_lambda + 1) ** 2 / math.gamma(2 * shape_lambda + 2)
    return math.sqrt(2 / shape_lambda**2 * (1 / (1 + 2 * shape_lambda) - twin))


def tukey_quantiles(shape_lambda: float, logits: Array) -> Array:
    """Return Q(u) = (u^lambda - (1-u)^lambda) / lambda for u = 1 / (1 + exp(-logits))."""
    if abs(shape_lambda) < 1e-3:
        return logits
    lower, upper = -np.logaddexp(0, -logits), -np.logaddexp(0, logits)  # ln u, ln(1 - u)
    tails = np.exp(shape_lambda * lower) - np.exp(shape_lambda * upper)
    return np.asarray(tails / shape_lambda, np.float64)


def model_quantiles(
    shape_lambda: float, scale: float, *, frames: int, roundings: int, positions: Array
) -> Array:
    """Return quantiles of the noise of a frame, or of the difference of two, in counts.

    Args:
        shape_lambda: shape of the noise of one frame.
        scale: its scale in counts.
        frames: 1 for a frame, 2 for a difference.
        roundings: how many uniform errors of one count are added.
        positions: (n,) probabilities.
    """
    step = 2 * SPREAD / STEPS
    edges = (np.arange(STEPS + 1) - STEPS / 2 - 0.5) * step
    u = 1 / (1 + np.exp(-LOGITS))
    mass = np.diff(np.interp(edges, tukey_quantiles(shape_lambda, LOGITS), u, 0.0, 1.0))
    # Sums of independent numbers are products here; a uniform error is a sinc.
    spectrum = np.fft.rfft(np.fft.ifftshift(mass)).real ** frames  # symmetric: nothing imaginary
    spectrum = spectrum * np.sinc(np.fft.rfftfreq(STEPS, step) / scale) ** roundings
    density = np.fft.fftshift(np.fft.irfft(spectrum, STEPS)).clip(0)
    cumulated = (np.cumsum(density) - density / 2) / density.sum()
    return np.asarray(scale * np.interp(positions, cumulated, edges[:-1] + step / 2), np.float64)


def fit_tukey(quantiles: Array, variance: float, *, frames: int) -> tuple[float, float]:
    """Return (scale, lambda) of the read noise of one frame.

    Args:
        quantiles: (POINTS,) quantiles at the plotting positions, in counts, of whole counts of a
            frame or of the difference of two, with a uniform error of one count added.
        variance: of that noise of one frame, rounding and added error not included.
        frames: 1 for a frame, 2 for a difference.
    """
    deviation = math.sqrt(max(variance, 1e-4))

    def plot(shape: float) -> Array:
        scale = deviation / tukey_deviation(shape)
        return model_quantiles(
            shape, scale, frames=frames, roundings=frames + 1, positions=plotting_positions()
        )

    best = (LOWEST_SHAPE + HIGHEST_SHAPE) / 2
    for width, count in GRIDS:
        around = np.linspace(best - width / 2, best + width / 2, count)
        shapes = around[(around > LOWEST_SHAPE - 1e-9) & (around < HIGHEST_SHAPE + 1e-9)]
        fits = [np.corrcoef(plot(shape), quantiles)[0, 1] for shape in shapes]
        best = peak(shapes, np.array(fits))
    model = plot(best)
    slope = float(model @ quantiles / (model @ model))
    return slope * deviation / tukey_deviation(best), best


def peak(places: Array, heights: Array) -> float:
    """Return where evenly spaced heights are largest, between the places by a parabola.

    >>> round(peak(np.arange(4.0), np.array([0.0, 3.0, 3.0, 0.0])), 3)
    1.5
    """
    best = int(np.argmax(heights))
    if not 0 < best < len(places) - 1:
        return float(places[best])
    left, middle, right = heights[best - 1 : best + 2]
    curve = left - 2 * middle + right
    shift = 0.5 * (left - right) / curve if curve < 0 else 0.0
    return float(places[best] + shift * (places[1] - places[0]))
