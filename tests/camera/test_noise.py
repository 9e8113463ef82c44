"""The estimate is held against frames of known noise: Poisson light plus Gaussian read noise."""

import math

import numpy as np
import pytest

from darkroom.camera.bayer import PHASES
from darkroom.camera.noise import (
    FROM_FILE,
    FROM_PICTURE,
    HIGH_PASS,
    PLANE_TILE,
    TILE,
    degrees_of_freedom,
    estimate_noise,
    noise_level,
    profile_from_tag,
    residual,
)
from darkroom.camera.raw import NoiseLevel, RawImage

BLACK, WHITE = 512, 16383
SPAN = WHITE - BLACK
SIDE = 1024  # of the mosaic
TOLERANCE = 0.15


def texture(rng, power: float = 1.0, blur: float = 0.0):
    """Return 1/f^power noise of variance 1, as natural pictures have, blurred like by a lens."""
    down, across = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)
    frequency = np.hypot(down, across)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) / frequency**power
    field = np.fft.irfft2(
        spectrum
        * np.exp(-2 * (math.pi * blur * down) ** 2)
        * np.exp(-2 * (math.pi * blur * across) ** 2),
        (SIDE, SIDE),
    )
    return field / field.std()


def flat(rng):
    return np.full((SIDE, SIDE), 0.3)


def gradient(rng):
    down, across = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    return 0.02 + 0.8 * across * (0.3 + 0.7 * down)


def edges(rng):
    down, across = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    return 0.05 + 0.1 * np.floor(8 * across) * (0.5 + 0.5 * (np.floor(6 * down) % 2))


def half_textured(rng):
    base = 0.05 + 0.6 * np.clip(0.5 + 0.18 * texture(rng, 2.0), 0, 1)
    where = texture(rng, 2.0) > -0.5
    return np.clip(base * (1 + 0.25 * where * texture(rng, 1.0, 1.4)), 0.002, 0.95)


def photo(rng):
    """Return sharp and blurred texture side by side, with hard edges."""
    base = 0.05 + 0.6 * np.clip(0.5 + 0.18 * texture(rng, 2.0), 0, 1)
    focus = 1 / (1 + np.exp(-3 * texture(rng, 2.0)))
    detail = focus * texture(rng, 1.0, 1.2) + (1 - focus) * texture(rng, 1.5, 5.0)
    return np.clip(base * (1 + 0.2 * detail) + 0.2 * (texture(rng, 1.8) > 0.3), 0.002, 0.95)


def all_textured(rng):
    base = 0.05 + 0.6 * np.clip(0.5 + 0.18 * texture(rng, 2.0), 0, 1)
    return np.clip(base * (1 + 0.25 * texture(rng, 1.0, 1.4)), 0.002, 0.95)


# Counts per electron and read noise in counts: sigma from 2 to 200 counts in bright pictures ...
BRIGHT = [(0.2, 2), (1, 4), (2, 10), (8, 60)]
# ... and where the whole signal spans 0 to 160 counts.
DARK = [(0.1, 2), (2, 2), (4, 20), (20, 10), (10, 60), (20, 180)]
COLOURS = {"R": 0.5, "G": 1.0, "B": 0.6}


def shot_frame(linear, gain, read, rng, phase="RGGB") -> tuple[RawImage, dict]:
    """Return a frame of a scene, and the noiseless signal of each colour."""
    mosaic = np.empty((SIDE, SIDE), np.uint16)
    signals = {}
    for position, colour in enumerate(phase):
        row, column = divmod(position, 2)
        signals[colour] = linear[row::2, column::2] * COLOURS[colour]
        counts = rng.poisson(signals[colour] * SPAN / gain) * gain
        counts = np.round(counts + rng.normal(0, read, signals[colour].shape) + BLACK)
        mosaic[row::2, column::2] = np.clip(counts, 0, WHITE)
    return raw_of(mosaic, phase), signals


def raw_of(mosaic, phase="RGGB", **changes) -> RawImage:
    return RawImage(mosaic, phase, (BLACK,) * 4, WHITE, (2.0, 1.0, 1.5), np.eye(3), **changes)


def worst_error(level: NoiseLevel, signals: dict, gain: float, read: float) -> float:
    """Return the largest relative error of sigma over the brightness range of every plane."""
    errors = []
    for plane, colour in enumerate("RGB"):
        signal = np.quantile(signals[colour], [0.05, 0.5, 0.95])
        true = np.sqrt(gain / SPAN * signal + (read**2 + 1 / 12) / SPAN**2)
        found = np.sqrt(level.shot[plane] * signal + level.read[plane])
        errors.append(np.abs(found / true - 1).max())
    return float(max(errors))


@pytest.mark.parametrize("scene", [flat, gradient, edges, half_textured, photo])
@pytest.mark.parametrize(("gain", "read"), BRIGHT)
def test_bright_pictures(scene, gain, read):
    rng = np.random.default_rng(3)
    raw, signals = shot_frame(scene(rng), gain, read, rng)
    assert worst_error(estimate_noise(raw), signals, gain, read) < TOLERANCE


@pytest.mark.parametrize("scene", [flat, gradient, photo, all_textured])
@pytest.mark.parametrize(("gain", "read"), DARK)
def test_dark_pictures(scene, gain, read):
    rng = np.random.default_rng(4)
    raw, signals = shot_frame(0.01 * scene(rng), gain, read, rng)
    assert worst_error(estimate_noise(raw), signals, gain, read) < TOLERANCE


@pytest.mark.parametrize(("gain", "read"), BRIGHT)
def test_texture_everywhere(gain, read):
    rng = np.random.default_rng(5)
    raw, signals = shot_frame(all_textured(rng), gain, read, rng)
    assert worst_error(estimate_noise(raw), signals, gain, read) < TOLERANCE


@pytest.mark.parametrize("phase", PHASES)
def test_planes_help_each_other(phase, monkeypatch):
    # Red sees dark parts only and the others bright ones: alone, no plane shows the whole line.
    rng = np.random.default_rng(6)
    monkeypatch.setitem(COLOURS, "R", 0.02)
    linear = np.linspace(0.3, 0.34, SIDE)[None] * np.ones((SIDE, 1))
    raw, signals = shot_frame(linear, 2, 12, rng, phase)
    level = estimate_noise(raw)
    assert len(set(level.shot)) == len(set(level.read)) == 1
    assert worst_error(level, signals, 2, 12) < TOLERANCE


def test_saturated_parts_are_left_out():
    rng = np.random.default_rng(7)
    linear = gradient(rng)
    linear[:, SIDE // 2 :] = 3.0
    raw, signals = shot_frame(linear, 1, 10, rng)
    dark_half = {colour: signal[:, : SIDE // 4] for colour, signal in signals.items()}
    assert worst_error(estimate_noise(raw), dark_half, 1, 10) < TOLERANCE


def test_parts_clipped_at_black_are_left_out():
    rng = np.random.default_rng(8)
    linear = 0.02 * gradient(rng)
    linear[:, : SIDE // 2] = 0.0
    raw, signals = shot_frame(linear, 4, 20, rng)
    clipped = raw_of(np.maximum(raw.mosaic, BLACK))
    lit = {colour: signal[:, -SIDE // 8 :] for colour, signal in signals.items()}
    assert worst_error(estimate_noise(clipped), lit, 4, 20) < TOLERANCE


def test_a_few_hot_pixels_do_not_matter():
    rng = np.random.default_rng(9)
    raw, signals = shot_frame(0.01 * gradient(rng), 4, 20, rng)
    mosaic = raw.mosaic.copy()
    mosaic[rng.random(mosaic.shape) < 2e-4] = 12_000
    assert worst_error(estimate_noise(raw_of(mosaic)), signals, 4, 20) < TOLERANCE


def test_levels_are_never_below_rounding():
    level = estimate_noise(raw_of(np.full((200, 200), 1000, np.uint16)))
    assert min(level.read) >= 1 / 12 / SPAN**2
    assert min(level.shot) > 0


@pytest.mark.parametrize("shape", [(2, 2), (4, 6), (17, 19), (40, 33), (64, 64)])
def test_small_frames_give_finite_levels(shape):
    mosaic = np.random.default_rng(0).integers(600, 700, shape, dtype=np.uint16)
    level = estimate_noise(raw_of(mosaic))
    assert np.isfinite([*level.shot, *level.read]).all()
    assert min(level.read) > 0


def test_a_wholly_saturated_frame_gives_finite_levels():
    level = estimate_noise(raw_of(np.full((200, 200), WHITE, np.uint16)))
    assert np.isfinite([*level.shot, *level.read]).all()


def test_the_profile_of_the_file_wins():
    profile = NoiseLevel((1e-4,) * 4, (1e-7,) * 4)
    mosaic = np.random.default_rng(0).integers(600, 700, (64, 64), dtype=np.uint16)
    assert noise_level(raw_of(mosaic, noise_profile=profile)) == (profile, FROM_FILE)
    assert noise_level(raw_of(mosaic))[1] == FROM_PICTURE


def test_profiles_are_read_for_one_or_three_planes():
    assert profile_from_tag((1.0, 2.0)) == NoiseLevel((1.0,) * 4, (2.0,) * 4)
    three = profile_from_tag((1.0, 4.0, 2.0, 5.0, 3.0, 6.0))
    assert three == NoiseLevel((1.0, 2.0, 3.0, 2.0), (4.0, 5.0, 6.0, 5.0))


@pytest.mark.parametrize("values", [(), (1.0,), (1.0,) * 4, (math.nan, 1.0), (-1.0, 1.0), (0, 0)])
def test_unusable_profiles_are_none(values):
    assert profile_from_tag(values) is None


def test_the_filter_keeps_white_noise_and_removes_smooth_light():
    tiles = np.random.default_rng(0).normal(0, 1, (200, 28, 28)).astype(np.float32)
    assert residual(tiles).var() == pytest.approx(1, rel=0.03)
    down, across = np.mgrid[0:28, 0:28].astype(np.float32)
    assert np.abs(residual((down**3 + across * down)[None] / 1e4)).max() < 1e-4
    assert (HIGH_PASS**2).sum() == pytest.approx(1)


@pytest.mark.parametrize(("side", "lag"), [(28, 1), (PLANE_TILE, 1), (TILE, 2)])
def test_degrees_of_freedom_match_the_spread_of_measured_variances(side, lag):
    tiles = np.random.default_rng(0).normal(0, 1, (4000, side, side)).astype(np.float32)
    variance = (residual(tiles, lag=lag) ** 2).mean(axis=(1, 2))
    assert variance.mean() == pytest.approx(1, rel=0.01)
    freedom = degrees_of_freedom(side if lag == 1 else PLANE_TILE)  # both tiles are worth as much
    assert freedom == pytest.approx(2 / variance.var(), rel=0.1)
