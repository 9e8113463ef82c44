import numpy as np
import pytest

from darkroom.picture.dead_leaves import SMALLEST, cover, dead_leaves, light, radii


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(("side", "channels"), [(96, 3), (64, 1), (1, 3)])
def test_a_scene_is_light_that_can_be_seen(side: int, channels: int) -> None:
    scene = dead_leaves(side, channels, rng())
    assert (scene.shape, scene.dtype) == ((channels, side, side), np.float32)
    assert 0 < scene.min() <= scene.max() <= 1


def test_the_generator_alone_decides() -> None:
    assert np.array_equal(dead_leaves(48, 3, rng()), dead_leaves(48, 3, rng()))
    assert not np.array_equal(
        dead_leaves(48, 3, rng()), dead_leaves(48, 3, np.random.default_rng(1))
    )


def test_there_are_edges_flat_parts_and_both_dark_and_bright() -> None:
    scene = dead_leaves(256, 1, rng())[0]
    steps = np.abs(np.diff(np.log(scene), axis=1))
    assert np.median(steps) < 0.3
    assert (steps > 1).mean() > 0.02
    assert np.percentile(scene, 5) < 0.05
    assert np.percentile(scene, 95) > 0.4


def test_small_discs_are_many_and_none_is_too_small() -> None:
    sizes = radii(400, 20_000, rng())
    assert SMALLEST <= sizes.min() <= sizes.max() <= 200
    # A density of r**-3: a quarter of the discs beyond twice a radius.
    assert (sizes > 2 * SMALLEST).mean() == pytest.approx(0.25, abs=0.02)
    assert (sizes > 4 * SMALLEST).mean() == pytest.approx(1 / 16, abs=0.01)


def test_a_disc_covers_what_is_under_it_and_nothing_else() -> None:
    scene = np.zeros((3, 9, 9), np.float32)
    cover(scene, np.array([4.0, 4.0]), 2.0, np.ones(3, np.float32))
    assert scene[0, 4, 2:7].tolist() == [1] * 5
    assert scene.sum() == 3 * 13
    cover(scene, np.array([0.0, 8.5]), 1.0, np.full(3, 2, np.float32))  # over the edge
    assert scene[:, 0, 8].tolist() == [2] * 3


def test_the_light_is_never_off() -> None:
    assert 0.3 < light(20, rng()).min() < light(20, rng()).max() < 3
