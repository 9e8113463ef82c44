from functools import reduce

import numpy as np
import pytest

from darkroom.camera.noise_fit import ROUNDING
from darkroom.camera.photon_transfer import (
    Flats,
    gain_of,
    is_pair,
    pair_blocks,
    settled,
    single_blocks,
    with_flat,
)
from darkroom.camera.sensors import ReadNoise
from tests import calibration_frames as made

READ = ReadNoise(sigma=4.0, tukey_scale=2.1, tukey_lambda=-0.03, row_sigma=0.8)
FLOOR = {"read": READ.sigma**2 + ROUNDING, "row": READ.row_sigma**2}
BLACK = np.full(4, float(made.BLACK))
LEVELS = {"black": BLACK, "white": float(made.WHITE)}


def flat(bright: float, seed: int, *, gain: float = 2.0, fixed: object = 0.0) -> np.ndarray:
    return made.frame(made.vignette(bright), gain=gain, read=READ, seed=seed, fixed=fixed)  # type: ignore[arg-type]


@pytest.mark.parametrize("gain", [0.2, 2.0, 20.0])
def test_the_gain_comes_back_from_a_pair_with_vignetting(gain: float) -> None:
    blocks = pair_blocks(flat(5000, 0, gain=gain), flat(5000, 1, gain=gain), **LEVELS)
    assert gain_of([blocks], **FLOOR) == pytest.approx(gain, rel=0.02)


@pytest.mark.parametrize("bright", [60, 600, 9000])
def test_the_gain_does_not_depend_on_the_light(bright: float) -> None:
    blocks = pair_blocks(flat(bright, 2), flat(bright, 3), **LEVELS)
    assert gain_of([blocks], **FLOOR) == pytest.approx(2.0, rel=0.04)


def test_hot_pixels_and_scratches_do_not_matter() -> None:
    pattern = made.hot_pixels(1e-3, high=9000)
    first, second = flat(5000, 4, fixed=pattern), flat(5000, 5, fixed=pattern)
    first[200:204, 50:400] = 700  # a hair that moved
    second[:40, :40] = made.WHITE
    blocks = pair_blocks(first, second, **LEVELS)
    assert gain_of([blocks], **FLOOR) == pytest.approx(2.0, rel=0.02)


def test_a_single_flat_does_where_it_has_no_texture() -> None:
    blocks = single_blocks(flat(5000, 6), **LEVELS)
    assert gain_of([blocks], **FLOOR) == pytest.approx(2.0, rel=0.03)


def test_saturated_flats_tell_nothing() -> None:
    blocks = pair_blocks(flat(90_000, 7), flat(90_000, 8), **LEVELS)
    assert gain_of([blocks], **FLOOR) is None


def test_dark_flats_tell_nothing() -> None:
    blocks = pair_blocks(flat(0, 9), flat(0, 10), **LEVELS)
    assert gain_of([blocks], **FLOOR) is None
    assert gain_of([], **FLOOR) is None


def test_flats_of_equal_light_are_a_pair() -> None:
    assert is_pair(flat(5000, 0), flat(5050, 1), BLACK)
    assert not is_pair(flat(5000, 0), flat(6000, 1), BLACK)


def test_pairs_are_found_one_after_the_other() -> None:
    lights = [3000, 3000, 5000, 4000, 4000]
    frames = [flat(light, seed) for seed, light in enumerate(lights)]
    seen = settled(reduce(lambda flats, m: with_flat(flats, m, made.WHITE), frames, Flats(BLACK)))
    assert (len(seen.pairs), len(seen.singles), seen.frames) == (2, 1, 5)
    assert all(blocks.is_pair for blocks in seen.pairs)
    assert gain_of(seen.pairs, **FLOOR) == pytest.approx(2.0, rel=0.02)
