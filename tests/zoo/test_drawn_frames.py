from dataclasses import replace

import numpy as np
import pytest

from darkroom.zoo import drawn_frames
from darkroom.zoo.card import Card
from darkroom.zoo.drawn_frames import CONDITIONS, drawn_frame, drawn_picture, drawn_samples

CARD = Card(name="tiny", network="fast-unet", halo=16, multiple_of=4)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_frames, "SIDE", 64)


@pytest.mark.parametrize(
    ("space", "channels", "side"),
    [("balanced-planes", 4, 32), ("planes", 4, 32), ("nir", 1, 64), ("srgb", 3, 64)],
)
def test_samples_are_what_the_card_asks_for(space: str, channels: int, side: int) -> None:
    samples = list(drawn_samples(like(space)))
    assert len(samples) >= 8
    for planes, noise in samples:
        assert (planes.shape, planes.dtype) == ((channels, side, side), np.float32)
        assert (noise.shape, noise.dtype) == ((8,), np.float32)
        assert np.isfinite(planes).all()


def like(space: str, *, clip: bool = False) -> Card:
    return Card(name="tiny", network="unet", input_space=space, clip=clip, halo=16, multiple_of=4)


def test_they_are_the_same_every_time() -> None:
    first, second = list(drawn_samples(CARD)), list(drawn_samples(CARD))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, second, strict=True))


def test_frames_reach_from_clean_to_buried_and_far_above_white() -> None:
    samples = list(drawn_samples(CARD))
    assert min(noise[0] for _, noise in samples) < 1e-4
    assert max(noise[0] for _, noise in samples) > 0.5
    assert min(planes.min() for planes, _ in samples) < -1
    assert max(np.median(planes) for planes, _ in samples) > 0.5
    assert max(planes.max() for planes, _ in samples) > 8


def test_a_card_that_asks_for_a_clip_gets_one() -> None:
    for planes, _ in drawn_samples(like("planes", clip=True)):
        assert 0 <= planes.min() <= planes.max() <= 1


def test_a_frame_is_as_dark_as_its_condition_says() -> None:
    bright = replace(CONDITIONS[0], iso=100, ratio=1)
    dark = replace(bright, ratio=50)
    means = [
        float(raw.mosaic.mean()) - raw.black[0]
        for raw in (drawn_frame(one, np.random.default_rng(0)) for one in (bright, dark))
    ]
    assert means[0] == pytest.approx(50 * means[1], rel=0.05)


def test_pictures_are_coded_as_files_are() -> None:
    for seed in range(4):
        picture = drawn_picture(1, np.random.default_rng(seed))
        assert 0 <= picture.min() < picture.max() <= 1
