import numpy as np
import pytest

from darkroom.camera.noise_line import (
    READ_ELECTRONS,
    READ_SHARE,
    fit_line,
    noise_line,
    sensor_line,
)


def blocks(shot, read, detail, rng, freedom=50.0):
    """Return signal and variance of blocks of noise; `detail` is a share of them, far above it."""
    signal = rng.uniform(0.01, 0.9, 4000)
    variance = (shot * signal + read) * rng.chisquare(freedom, 4000) / freedom
    textured = rng.random(4000) < detail
    return signal, np.where(textured, variance * rng.uniform(1.5, 100, 4000), variance)


@pytest.mark.parametrize("detail", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("shot", "read"), [(1e-4, 1e-7), (1e-3, 1e-5), (6e-6, 0.0)])
def test_the_line_lies_under_detail(shot, read, detail):
    signal, variance = blocks(shot, read, detail, np.random.default_rng(0))
    found = noise_line(signal, variance, 50.0, 1e-12)
    at = np.array([0.02, 0.1, 0.5])
    assert (found[0] * at + found[1]) == pytest.approx(shot * at + read, rel=0.15)


def test_without_blocks_the_rounding_to_counts_is_left():
    shot, read = noise_line(np.zeros(0), np.zeros(0), 50.0, 1e-9)
    assert shot > 0
    assert read == 1e-9


def test_detail_in_the_dark_is_no_read_noise_of_a_sensor():
    level = np.linspace(0.01, 0.9, 50)
    shot, read = sensor_line(level, 1e-5 + 1e-4 * level, np.ones(50))
    assert read == pytest.approx(READ_SHARE * shot)
    assert shot > 1e-4


@pytest.mark.parametrize("electrons", [1.0, READ_ELECTRONS - 1.0])
def test_few_electrons_may_outweigh_the_light_at_high_iso(electrons):
    shot = 5e-3  # 200 electrons are white
    read = (electrons * shot) ** 2
    level = np.linspace(0, 1, 20)
    assert sensor_line(level, shot * level + read, np.ones(20)) == pytest.approx((shot, read))


@pytest.mark.parametrize(
    ("slope", "offset", "found"), [(2.0, 1.0, (2, 1)), (-1.0, 5.0, (0, 4.5)), (2.0, -0.1, None)]
)
def test_lines_are_fitted_without_negative_parts(slope, offset, found):
    level = np.linspace(0, 1, 11)
    line = fit_line(level, slope * level + offset, np.ones(11))
    assert min(line) >= 0
    if found is not None:
        assert line == pytest.approx(found)
