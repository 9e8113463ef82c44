from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.bayer import planes_of
from darkroom.camera.raw import NoiseLevel
from darkroom.camera.read import read_raw
from darkroom.zoo.card import Card
from darkroom.zoo.network_input import amplified, balance_for
from tests.raw_files import noisy_mosaic, write_dng

NOISE = NoiseLevel((1e-4,) * 4, (1e-6,) * 4)


@pytest.fixture
def dng(tmp_path: Path) -> Path:
    path = tmp_path / "a.dng"
    write_dng(path, noisy_mosaic())
    return path


def card(**changes: object) -> Card:
    return Card(name="one", network="unet", halo=1, multiple_of=1, **changes)  # type: ignore[arg-type]


def test_planes_are_amplified_and_balanced_as_the_card_says(dng: Path) -> None:
    raw = read_raw(dng)
    red, green, blue = raw.white_balance
    gains = np.array([red, green, blue, green])[:, None, None]
    planes, _ = amplified(raw, 10, NOISE, card())
    assert np.allclose(planes, 10 * gains * planes_of(raw), rtol=1e-5)
    plain, _ = amplified(raw, 10, NOISE, card(input_space="planes"))
    assert np.allclose(plain, 10 * planes_of(raw), rtol=1e-5)
    assert balance_for(card(input_space="planes"), raw) == (1, 1, 1)


def test_a_card_may_ask_for_the_clip(dng: Path) -> None:
    raw = replace(read_raw(dng), black=(4000.0,) * 4)
    planes, _ = amplified(raw, 1e4, NOISE, card(clip=True))
    assert (planes.min(), planes.max()) == (0, 1)


def test_the_noise_grows_with_the_light(dng: Path) -> None:
    raw = read_raw(dng)
    (_, told), (_, twice) = (amplified(raw, ratio, NOISE, card()) for ratio in (10, 20))
    assert np.allclose(twice[:4], 2 * told[:4]) and np.allclose(twice[4:], 4 * told[4:])
    _, weaker = amplified(raw, 10, NOISE, card(), strength=0.5)
    assert np.allclose(weaker, told / 4)
