import numpy as np
import pytest
import torch

from darkroom.learning.l3_sums import L3Sums, Pair, draw, sum_pairs
from darkroom.networks.l3 import L3

EVERY = 1_000_000


def pair(seed: int, size: tuple[int, int] = (24, 31), inputs: int = 1, outputs: int = 3) -> Pair:
    rng = np.random.default_rng(seed)
    steep = np.linspace(0, 1, size[1], dtype=np.float32)
    planes = (steep + rng.normal(0, 0.05, (inputs, *size))).clip(0, 1).astype(np.float32)
    return planes, rng.random((outputs, *size), np.float32)


def rows_of(pairs: list[Pair], network: L3, label: int) -> np.ndarray:
    """Collect [1, patch, target] of every patch of a class, one at a time."""
    side, rows = network.patch, []
    for planes, target in pairs:
        labels = network.classify(torch.from_numpy(planes)[None])[0].numpy()
        for row, column in np.argwhere(labels == label):
            patch = planes[:, row : row + side, column : column + side].ravel()
            colours = target[:, row + side // 2, column + side // 2]
            rows.append(np.concatenate([[1.0], patch, colours]))
    return np.array(rows, np.float64)


@pytest.mark.parametrize("inputs", [1, 3])
def test_streaming_equals_all_at_once(inputs: int) -> None:
    network = L3(inputs, outputs=2, patch=3, levels=4, contrasts=1)
    pairs = [pair(seed, (20 + seed, 30), inputs, 2) for seed in range(3)]
    sums = sum_pairs(iter(pairs), network, pictures=3, most=EVERY)
    for label in np.flatnonzero(sums.counts):
        rows = rows_of(pairs, network, int(label))
        np.testing.assert_allclose(sums.gram[label], rows.T @ rows, rtol=1e-12, atol=1e-12)
    assert sums.counts.sum() == sum((20 + seed - 2) * 28 for seed in range(3))


def test_a_class_hands_out_its_sums() -> None:
    network, pairs = L3(patch=3, levels=0, contrasts=0), [pair(0)]
    known = sum_pairs(pairs, network, pictures=1, most=EVERY).of_class(0)
    rows = rows_of(pairs, network, 0)
    x, y = rows[:, :10], rows[:, 10:]
    assert known.count == len(rows)
    np.testing.assert_allclose(known.xx, x.T @ x)
    np.testing.assert_allclose(known.xy, x.T @ y)
    np.testing.assert_allclose(known.yy, (y**2).sum(0))


def test_pictures_share_a_class_evenly() -> None:
    network = L3(patch=1, levels=0, contrasts=0)
    small, large = pair(0, (4, 5)), pair(1, (50, 50))
    bright = (np.ones_like(large[0]), large[1])
    sums = sum_pairs([small, large, bright], network, pictures=3, most=300)
    assert sums.counts.tolist() == [20 + 100 + 100]
    ones = (
        sums.of_class(0).xx[0, 1]
        - sum_pairs([small, large], network, pictures=3, most=300).of_class(0).xx[0, 1]
    )
    assert ones == pytest.approx(100)


def test_the_seed_decides_the_draw() -> None:
    network, pairs = L3(patch=3), [pair(0), pair(1)]
    sums = [sum_pairs(pairs, network, pictures=2, most=20, seed=s).gram for s in (1, 1, 2)]
    assert np.array_equal(sums[0], sums[1])
    assert not np.array_equal(sums[0], sums[2])


def test_the_draw_takes_every_place_as_often() -> None:
    labels, hits = np.repeat(np.array([0, 5], np.int16), 10), np.zeros(20)
    for seed in range(400):
        for label, places in draw(labels, 5, np.random.default_rng(seed)):
            assert len(set(places)) == 5
            assert set(labels[places]) == {label}
            hits[places] += 1
    assert hits.min() > 150  # 200 expected, deviation 10
    assert hits.max() < 250


def test_a_picture_smaller_than_a_patch_gives_nothing() -> None:
    sums = sum_pairs([pair(0, (4, 9))], L3(), pictures=1, most=EVERY)
    assert not sums.gram.any()


def test_pairs_that_do_not_fit_are_refused() -> None:
    planes, target = pair(0)
    with pytest.raises(ValueError, match="differs in size"):
        sum_pairs([(planes, target[:, 1:])], L3(), pictures=1, most=EVERY)
    with pytest.raises(ValueError, match="has 3 and 1 planes, not 1 and 3"):
        sum_pairs([(target, planes)], L3(), pictures=1, most=EVERY)


def test_sums_are_values() -> None:
    with pytest.raises(AttributeError):
        L3Sums(np.zeros((1, 2, 2)), 1).features = 2  # type: ignore[misc]
