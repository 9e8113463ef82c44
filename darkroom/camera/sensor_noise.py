"""Make a sensor's noise: photons, read noise, row offsets, quantisation.

The model is that of Wei et al. 2020 (ELD): Poisson photons times the gain, read noise from a
Tukey-lambda distribution (or a Gaussian), one offset a row, uniform quantisation.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from darkroom.camera.sensors import ReadNoise

FloatArray = npt.NDArray[np.float32]
ReadNoiseShape = Literal["tukey", "gaussian"]

UNIFORM_MARGIN = 1e-6  # keeps the quantile function finite: tails end at about 14 deviations
COLUMN_SHARE = 0.3  # of the dark shading is one offset a column
DEFECTS = 1e-5, 3e-4  # lowest and highest share of a sensor's pixels that are hot or dead
FAINTEST_HOT, DEAD_SHARE = 1e-3, 0.2  # of white; of the defects


def tukey_lambda_noise(
    shape: tuple[int, ...], *, scale: float, shape_lambda: float, rng: np.random.Generator
) -> FloatArray:
    """Draw from the Tukey-lambda distribution through its quantile function.

    Q(u) = (u^lambda - (1-u)^lambda) / lambda, and the logistic ln(u/(1-u)) at lambda = 0.
    """
    u = rng.random(shape, np.float32).clip(UNIFORM_MARGIN, 1 - UNIFORM_MARGIN)
    if abs(shape_lambda) < 1e-3:
        logistic: FloatArray = np.float32(scale) * np.log(u / (1 - u))
        return logistic
    power = np.float32(shape_lambda)
    quantiles = np.float32(scale) * (u**power - (1 - u) ** power) / power
    return np.asarray(quantiles, np.float32)


def read_noise_frame(
    shape: tuple[int, int], read: ReadNoise, kind: ReadNoiseShape, rng: np.random.Generator
) -> FloatArray:
    """Draw the signal-independent noise of one frame, row offsets included, in counts."""
    if kind == "gaussian":
        noise = rng.standard_normal(shape, np.float32) * np.float32(read.sigma)
    else:
        noise = tukey_lambda_noise(
            shape, scale=read.tukey_scale, shape_lambda=read.tukey_lambda, rng=rng
        )
    rows = rng.standard_normal((shape[0], 1), np.float32) * np.float32(read.row_sigma)
    return (noise + rows).astype(np.float32)


def expose(
    signal: FloatArray,
    *,
    gain: float,
    read: ReadNoise,
    kind: ReadNoiseShape,
    rng: np.random.Generator,
) -> FloatArray:
    """Return noisy counts above black, not yet rounded, of a clean signal in counts.

    Args:
        signal: (H, W) clean counts above black; negative values are taken as 0.
        gain: counts per electron.
        read: the read noise at this ISO.
        kind: distribution of the read noise.
        rng: source of all randomness.
    """
    electrons = rng.poisson(np.maximum(signal, 0) / gain).astype(np.float32)
    return electrons * np.float32(gain) + read_noise_frame(signal.shape, read, kind, rng)


def dark_shading(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> FloatArray:
    """Draw what a sensor adds to every frame: a slope over the picture and offsets of columns.

    Its deviation over many sensors is about `sigma`, in counts (Feng et al. 2022, "Learnability
    Enhancement for Low-light Raw Denoising", measure and subtract it).
    """
    rows, columns = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    down, across, offset = (rng.standard_normal(3) * sigma).astype(np.float32)
    stripes = rng.standard_normal(shape[1], np.float32) * np.float32(COLUMN_SHARE * sigma)
    return np.asarray(offset + down * rows[:, None] + across * columns + stripes, np.float32)


def with_defects(counts: FloatArray, span: float, rng: np.random.Generator) -> FloatArray:
    """Return counts with hot and dead pixels, as many and as bright as chance has it."""
    share = np.exp(rng.uniform(*np.log(DEFECTS)))
    where = rng.integers(counts.size, size=rng.poisson(share * counts.size))
    hot = span * np.exp(rng.uniform(np.log(FAINTEST_HOT), 0, where.size))
    flat = counts.astype(np.float32).reshape(-1)
    dead = rng.random(where.size) < DEAD_SHARE
    flat[where] = np.where(dead, 0, flat[where] + hot)
    return flat.reshape(counts.shape)


def digitise(counts: FloatArray, *, black: float, white: int) -> npt.NDArray[np.uint16]:
    """Add the black level and round to the counts a file can hold: 0 to `white`."""
    levels = np.clip(np.rint(counts + np.float32(black)), 0, white)
    return np.asarray(levels, np.uint16)
