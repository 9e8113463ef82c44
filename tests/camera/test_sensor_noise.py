import numpy as np
import pytest

from darkroom.camera.sensor_noise import (
    dark_shading,
    digitise,
    expose,
    read_noise_frame,
    tukey_lambda_noise,
    with_defects,
)
from darkroom.camera.sensors import ReadNoise

QUIET = ReadNoise(0.0, 0.0, 0.0, 0.0)
SHAPE = (300, 400)


@pytest.mark.parametrize("shape_lambda", [-0.15, 0.0, 0.1])
def test_tukey_lambda_is_symmetric_and_as_wide_as_its_theory(shape_lambda):
    rng = np.random.default_rng(0)
    noise = tukey_lambda_noise((200_000,), scale=2.0, shape_lambda=shape_lambda, rng=rng)
    u = (np.arange(100_000) + 0.5) / 100_000
    theory = (
        np.log(u / (1 - u))
        if shape_lambda == 0
        else (u**shape_lambda - (1 - u) ** shape_lambda) / shape_lambda
    )
    assert noise.dtype == np.float32
    assert abs(float(np.median(noise))) < 0.03
    low, high = np.quantile(noise, [0.1, 0.9])
    assert (-low, high) == pytest.approx([2 * np.quantile(theory, 0.9)] * 2, rel=0.03)


def test_tails_grow_as_lambda_falls():
    def tail(shape_lambda):
        rng = np.random.default_rng(0)
        noise = tukey_lambda_noise((100_000,), scale=1.0, shape_lambda=shape_lambda, rng=rng)
        return np.quantile(noise, 0.999) / np.quantile(noise, 0.75)

    assert tail(-0.2) > tail(0.0) > tail(0.14)


def test_photons_are_poisson_times_the_gain():
    signal = np.full(SHAPE, 80.0, np.float32)
    rng = np.random.default_rng(1)
    counts = expose(signal, gain=4.0, read=QUIET, kind="gaussian", rng=rng)
    assert float(counts.mean()) == pytest.approx(80, rel=0.01)
    assert float(counts.var()) == pytest.approx(4 * 80, rel=0.03)
    assert set(np.unique(counts % 4)) == {0.0}


def test_rows_share_an_offset():
    read = ReadNoise(1.0, 0.5, 0.0, 3.0)
    frame = read_noise_frame(SHAPE, read, "gaussian", np.random.default_rng(2))
    assert float(frame.mean(1).std()) == pytest.approx(3, rel=0.15)
    assert float((frame - frame.mean(1, keepdims=True)).std()) == pytest.approx(1, rel=0.03)
    assert float(frame.mean(0).std()) < 0.3


@pytest.mark.parametrize("kind", ["gaussian", "tukey"])
def test_darkness_is_noise_about_zero(kind):
    read = ReadNoise(3.6, 2.0, 0.0, 0.0)
    counts = expose(
        np.full(SHAPE, -5.0, np.float32),
        gain=1.0,
        read=read,
        kind=kind,
        rng=np.random.default_rng(3),
    )
    assert abs(float(counts.mean())) < 0.05
    assert float(counts.std()) == pytest.approx(3.6, rel=0.05)


def test_files_hold_whole_counts_from_0_to_white():
    counts = np.array([-600.0, -0.4, 0.6, 100.0, 99999.0], np.float32)
    levels = digitise(counts, black=512, white=16383)
    assert levels.dtype == np.uint16
    assert levels.tolist() == [0, 512, 513, 612, 16383]


def test_dark_shading_is_smooth_along_columns() -> None:
    shading = dark_shading((64, 96), 3.0, np.random.default_rng(0))
    assert shading.shape == (64, 96)
    assert np.allclose(np.diff(shading, 2, axis=0), 0, atol=1e-4)
    many = [dark_shading((8, 8), 3.0, np.random.default_rng(seed)) for seed in range(300)]
    assert 3.0 < np.std(many) < 4.5


def test_few_pixels_are_defect_and_most_of_them_hot() -> None:
    counts = np.full((512, 512), 100, np.float32)
    shares = []
    for seed in range(20):
        flawed = with_defects(counts, 15871, np.random.default_rng(seed))
        shares.append(float((flawed != counts).mean()))
        assert ((flawed == 0) | (flawed >= counts)).all()
        assert flawed.max() <= 15871 + 100
    assert 0 < max(shares) < 5e-4
    assert (counts == 100).all()
