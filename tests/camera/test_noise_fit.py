import numpy as np
import pytest

from darkroom.camera.noise_fit import (
    ROUNDING,
    fit_tukey,
    model_quantiles,
    peak,
    plotting_positions,
    tukey_deviation,
    tukey_quantiles,
)
from darkroom.camera.sensor_noise import tukey_lambda_noise

SIDE = 300


def counts(scale: float, shape_lambda: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = tukey_lambda_noise((SIDE, SIDE), scale=scale, shape_lambda=shape_lambda, rng=rng)
    return np.rint(noise)


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize(
    ("scale", "shape"), [(0.9, -0.18), (2.0, -0.035), (0.7, 0.147), (5.0, 0.0), (12.0, 0.3)]
)
def test_scale_and_shape_come_back_from_whole_counts(
    scale: float, shape: float, frames: int
) -> None:
    noise = counts(scale, shape, 0) - (counts(scale, shape, 1) if frames == 2 else 0)
    variance = float(noise.var()) / frames - ROUNDING
    dither = np.random.default_rng(2).uniform(-0.5, 0.5, noise.shape)
    quantiles = np.quantile(noise + dither, plotting_positions())
    found_scale, found_shape = fit_tukey(quantiles, variance, frames=frames)
    assert found_scale == pytest.approx(scale, rel=0.03)
    assert found_shape == pytest.approx(shape, abs=0.02)


def test_a_gaussian_looks_like_shape_0_14() -> None:
    # Filliben: the Tukey-lambda distribution of shape 0.14 is nearly the normal one.
    noise = np.random.default_rng(3).normal(0, 4, (SIDE, SIDE))
    quantiles = np.quantile(noise, plotting_positions())
    _, shape = fit_tukey(quantiles, float(noise.var()), frames=1)
    assert shape == pytest.approx(0.14, abs=0.03)


@pytest.mark.parametrize("shape", [-0.2, 0.0, 0.15, 0.4])
def test_one_frame_without_rounding_is_the_plain_distribution(shape: float) -> None:
    positions = plotting_positions(99)
    model = model_quantiles(shape, 3.0, frames=1, roundings=0, positions=positions)
    plain = 3.0 * tukey_quantiles(shape, np.log(positions / (1 - positions)))
    assert model == pytest.approx(plain, abs=0.05)


def test_deviations_are_those_of_the_samples() -> None:
    for shape in (-0.1, 0.0, 0.2):
        noise = tukey_lambda_noise(
            (500_000,), scale=1.0, shape_lambda=shape, rng=np.random.default_rng(4)
        )
        assert float(noise.std()) == pytest.approx(tukey_deviation(shape), rel=0.02)


def test_plotting_positions_are_symmetric_and_rise() -> None:
    positions = plotting_positions(51)
    assert positions + positions[::-1] == pytest.approx(1)
    assert (np.diff(positions) > 0).all()


def test_a_peak_at_the_end_stays_there() -> None:
    assert peak(np.arange(3.0), np.array([1.0, 2.0, 3.0])) == 2
