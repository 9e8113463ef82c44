from functools import reduce

import numpy as np
import pytest

from darkroom.camera.dark_frames import (
    DarkNoise,
    Darks,
    dark_noise,
    look_at_dark,
    with_dark,
    without_hot,
)
from darkroom.camera.noise_fit import tukey_deviation
from darkroom.camera.sensors import ReadNoise
from darkroom.errors import FileProblem
from tests import calibration_frames as made

READ = ReadNoise(sigma=3.919, tukey_scale=2.042, tukey_lambda=-0.035, row_sigma=0.445)
SIGMA = READ.tukey_scale * tukey_deviation(READ.tukey_lambda)
PIXELS = made.SHAPE[0] * made.SHAPE[1]


def noise_of(mosaics: list[np.ndarray]) -> DarkNoise:
    seen: Darks | None = reduce(
        lambda darks, mosaic: with_dark(darks, look_at_dark(mosaic)), mosaics, None
    )
    assert seen is not None
    return dark_noise(seen, mosaics[0].size)


def darks(count: int, **options: object) -> list[np.ndarray]:
    choices = {"gain": 1.0, "read": READ, **options}
    return [made.frame(0, seed=seed, **choices) for seed in range(count)]  # type: ignore[arg-type]


def check(noise: DarkNoise, *, rows: float = 0.1) -> None:
    assert noise.sigma == pytest.approx(SIGMA, rel=0.02)
    assert noise.tukey_scale == pytest.approx(READ.tukey_scale, rel=0.03)
    assert noise.tukey_lambda == pytest.approx(READ.tukey_lambda, abs=0.02)
    assert noise.row_sigma == pytest.approx(READ.row_sigma, rel=rows)


def test_even_darks_show_their_noise_and_nothing_else() -> None:
    noise = noise_of(darks(4))
    check(noise)
    assert noise.black == pytest.approx(np.full(4, made.BLACK), abs=0.1)
    assert noise.dark_shading < 0.05
    assert (noise.hot_share, noise.frames) == (0, 4)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_fixed_patterns_are_no_noise(count: int) -> None:
    pattern = made.hot_pixels(1e-3, high=8000) + made.shading(2 * SIGMA)
    noise = noise_of(darks(count, fixed=pattern))
    check(noise, rows=0.15)
    assert noise.hot_share == pytest.approx(1e-3, rel=0.3)
    assert noise.dark_shading > 0.5


def test_hot_pixels_are_those_of_every_frame() -> None:
    pattern = made.hot_pixels(2e-4, high=3000)
    frames = darks(3, fixed=pattern)
    frames[1][100, 100] = made.WHITE  # a particle hits once
    noise = noise_of(frames)
    assert set(noise.hot) == set(np.flatnonzero(pattern))


def test_hot_pixels_are_replaced_by_their_own_colour() -> None:
    mosaic = np.arange(64, dtype=np.uint16).reshape(8, 8)
    mended = without_hot(mosaic, np.array([0, 21]))
    assert (mended[0, 0], mended[2, 5]) == (mosaic[0, 2], mosaic[2, 3])
    assert np.count_nonzero(mended != mosaic) == 2
    assert mosaic[0, 0] == 0
    assert without_hot(mosaic, np.zeros(0, np.int64)) is mosaic


def test_gaussian_noise_has_its_own_deviation() -> None:
    noise = noise_of(darks(2, kind="gaussian"))
    assert noise.sigma == pytest.approx(READ.sigma, rel=0.02)
    assert noise.tukey_lambda == pytest.approx(0.14, abs=0.04)


def test_noise_below_a_count_is_still_measured() -> None:
    fine = ReadNoise(0.6, 0.6 / tukey_deviation(0.1), 0.1, 0.2)
    noise = noise_of(darks(4, read=fine))
    assert noise.sigma == pytest.approx(0.6, rel=0.05)
    assert noise.row_sigma == pytest.approx(0.2, rel=0.15)


def test_odd_sizes_are_measured() -> None:
    noise = noise_of(darks(2, shape=(201, 333)))
    assert noise.sigma == pytest.approx(SIGMA, rel=0.03)


def test_noise_that_is_cut_off_is_noticed() -> None:
    whole, cut = darks(1)[0], np.maximum(darks(1)[0], made.BLACK)
    assert look_at_dark(cut).is_clipped
    assert not look_at_dark(whole).is_clipped


@pytest.mark.parametrize(
    "mosaic",
    [np.full((128, 128), 512, np.uint16), np.arange(1024, dtype=np.uint16).reshape(32, 32)],
)
def test_frames_that_say_nothing_are_refused(mosaic: np.ndarray) -> None:
    with pytest.raises(FileProblem):
        look_at_dark(mosaic)
