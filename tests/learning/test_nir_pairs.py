from pathlib import Path

import numpy as np
import pytest

from darkroom.learning.config import DataSection, NirSection
from darkroom.learning.nir_pairs import (
    draw_nir_pair,
    nir_validation_pairs,
    random_nir,
    scale_in_use,
    varied,
)
from darkroom.learning.nir_scenes import ALL, NirScene, NirScenes, load_nir_scenes
from darkroom.picture.tone import srgb_encode
from tests.learning.nir_files import write_pairs

STILL = NirSection(jitter=0)


@pytest.fixture
def scenes(tmp_path: Path) -> NirScenes:
    return load_nir_scenes(NirSection(folders=(write_pairs(tmp_path),)), DataSection(), ALL)[0]


def shown(linear: np.ndarray) -> np.ndarray:
    return np.asarray(srgb_encode(linear))


def test_a_pair_has_the_shapes_that_networks_take(scenes: NirScenes) -> None:
    pair = draw_nir_pair(scenes, STILL, size=32, side=0, rng=np.random.default_rng(0))
    assert (pair.planes.shape, pair.truth.shape) == ((1, 32, 32), (3, 32, 32))
    assert pair.planes.dtype == pair.truth.dtype == np.float32
    back = NirSection(reverse=True)
    pair = draw_nir_pair(scenes, back, size=32, side=0, rng=np.random.default_rng(0))
    assert (pair.planes.shape, pair.truth.shape) == ((3, 32, 32), (1, 32, 32))
    assert pair.camera_to_srgb.shape == (1, 1)


@pytest.mark.parametrize("seed", range(8))
def test_both_sides_of_a_pair_look_at_the_same_place(scenes: NirScenes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pair = draw_nir_pair(scenes, STILL, size=24, side=48, rng=rng)
    red, green, blue = shown(pair.truth)
    nir = pair.planes[0]  # with grain
    assert np.abs(blue - (1 - nir)).mean() < 0.02
    assert np.abs(green - (0.2 + 0.6 * nir)).mean() < 0.02
    assert np.abs(red - 0.5 * nir).mean() < 0.02


def test_the_generator_decides_a_pair_alone(scenes: NirScenes) -> None:
    def draw(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return draw_nir_pair(scenes, NirSection(), size=16, side=0, rng=rng).planes

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_categories_are_drawn_alike_however_many_pairs_they_have() -> None:
    def scene(category: str, grey: int) -> NirScene:
        pixels = np.full((20, 20, 3), grey, np.uint8)
        return NirScene(category, category, pixels, pixels[..., 0])

    many, one = tuple(scene("many", 200) for _ in range(9)), (scene("one", 50),)
    scenes, rng = NirScenes(categories=(many, one)), np.random.default_rng(0)
    pairs = [draw_nir_pair(scenes, STILL, size=16, side=0, rng=rng) for _ in range(200)]
    share = np.mean([pair.truth.mean() < 0.2 for pair in pairs])
    assert 0.4 < share < 0.6


def test_brightness_and_curve_vary_and_the_truth_does_not() -> None:
    grey = np.full((50, 50), 0.5, np.float32)
    means = [
        varied(grey, NirSection(jitter=0.1), np.random.default_rng(s)).mean() for s in range(50)
    ]
    assert 0.03 < np.std(means) < 0.15
    still = [varied(grey, STILL, np.random.default_rng(s)).mean() for s in range(5)]
    assert np.allclose(still, 0.5, atol=1e-3)


def test_leaves_are_bright_in_made_up_near_infrared() -> None:
    colours = np.array([[[60, 120, 40], [100, 100, 100], [90, 120, 200]]], np.uint8)
    made = np.mean([random_nir(colours, np.random.default_rng(s))[0] for s in range(200)], 0)
    leaves, grey, sky = made
    assert made.shape == (3,)
    assert leaves > grey + 5
    assert grey == pytest.approx(100, abs=1)
    assert sky < 150


def test_photographs_are_drawn_by_their_share(scenes: NirScenes) -> None:
    photo = NirScene("photo", "", np.full((30, 30, 3), 255, np.uint8))
    mixed = NirScenes(scenes.categories, (photo,), scenes.held_out)
    section, rng = NirSection(photo_share=0.5), np.random.default_rng(0)
    pairs = [draw_nir_pair(mixed, section, size=16, side=0, rng=rng) for _ in range(100)]
    assert 30 < sum(bool((pair.truth > 0.99).all()) for pair in pairs) < 70


def test_validation_is_the_same_each_time_and_as_in_use(scenes: NirScenes) -> None:
    section = NirSection()
    ((name, pairs),) = nir_validation_pairs(scenes.held_out, section, size=48, side=64).items()
    ((_, again),) = nir_validation_pairs(scenes.held_out, section, size=48, side=64).items()
    assert (name, len(pairs)) == ("near-infrared", len(scenes.held_out))
    for pair, other, scene in zip(pairs, again, scenes.held_out, strict=True):
        assert np.array_equal(pair.planes, other.planes)
        assert scene.nir is not None
        assert np.allclose(pair.planes[0] * 255, scene.nir[:, 8:56])  # the middle, nothing varied


def test_small_pictures_are_seen_as_they_are() -> None:
    assert scale_in_use((100, 200), 50) == 0.25
    assert scale_in_use((100, 200), 400) == scale_in_use((100, 200), 0) == 1
