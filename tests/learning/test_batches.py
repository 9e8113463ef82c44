from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from darkroom.learning import batches
from darkroom.learning.batches import (
    Sources,
    draw_pair,
    make_batch,
    network_input,
    pool_of,
    sources_of,
    stacked,
    threads_for,
)
from darkroom.learning.config import (
    DataSection,
    ModelSection,
    NoiseSection,
    PairsSection,
    TrainConfig,
    TrainingSection,
)
from darkroom.learning.distributed import ALONE, Team
from darkroom.learning.scenes import Scene
from darkroom.learning.simulated_pairs import Pair, make_pair, random_condition

MATRIX = np.float32([[1.5, -0.3, -0.2], [-0.2, 1.4, -0.2], [0, -0.5, 1.5]])


def config(**changes: object) -> TrainConfig:
    training = TrainingSection.model_validate({"steps": 6, "batch": 4, "patch": 16, **changes})
    return TrainConfig(training=training)


@dataclass(frozen=True)
class Twilight:
    """Stands in for a scene with real exposures."""

    name: str = "00001"


@pytest.fixture
def twilight(monkeypatch: pytest.MonkeyPatch) -> list[Twilight]:
    """Real pairs that can be told from simulated ones by their matrix."""

    def cut(scene: Twilight, *, size: int, rng: np.random.Generator) -> Pair:
        planes = rng.random((4, size, size), np.float32)
        truth = np.zeros((3, 2 * size, 2 * size), np.float32)
        return Pair(planes, np.ones(8, "f4"), truth, 2 * np.eye(3, dtype="f4"), np.ones(4, "f4"))

    monkeypatch.setattr(batches, "make_real_pair", cut)
    return [Twilight()]


def is_real(pair: Pair) -> bool:
    return bool(pair.camera_to_srgb[0, 0] == 2)


def equal(first: Pair, second: Pair) -> bool:
    return all(
        np.array_equal(a, b)
        for a, b in zip(vars(first).values(), vars(second).values(), strict=True)
    )


def test_seed_step_and_place_decide_a_pair(scenes: list[Scene]) -> None:
    sources, settings = sources_of(scenes), config()
    whole = make_batch(sources, settings, step=3, places=range(4))
    for rank in range(3):
        places = Team(rank, 3).share(4)
        part = make_batch(sources, settings, step=3, places=places)
        assert all(equal(whole[place], pair) for place, pair in zip(places, part, strict=True))
    others = make_batch(sources, settings, step=4, places=range(4))
    others += make_batch(sources, config(seed=1), step=3, places=range(4))
    assert not any(equal(one, other) for one in whole for other in others)


def test_raw_frames_come_by_their_share(scenes: list[Scene]) -> None:
    frame = Scene("frame.dng", np.full((64, 64, 3), 0.25, np.float16), MATRIX)
    sources = sources_of([*scenes, frame])
    for share in (0.0, 1.0):
        settings = config().model_copy(update={"data": DataSection(raw_share=share)})
        for pair in make_batch(sources, settings, step=0, places=range(4)):
            assert np.array_equal(pair.camera_to_srgb, MATRIX) == (share == 1)
    only = make_batch(sources_of([frame]), settings, step=0, places=range(2))
    assert all(np.array_equal(pair.camera_to_srgb, MATRIX) for pair in only)


def test_real_pairs_come_by_their_share(scenes: list[Scene], twilight: list[Twilight]) -> None:
    sources = sources_of(scenes, twilight)  # type: ignore[arg-type]
    found = {}
    for share in (0.0, 0.5, 1.0):
        settings = config().model_copy(update={"pairs": PairsSection(share=share)})
        pairs = make_batch(sources, settings, step=0, places=range(40))
        found[share] = sum(map(is_real, pairs))
    assert (found[0.0], found[1.0]) == (0, 40)
    assert 10 < found[0.5] < 30


def test_without_clean_pictures_every_pair_is_real(twilight: list[Twilight]) -> None:
    settings = config().model_copy(update={"pairs": PairsSection(share=0)})
    sources = sources_of([], twilight)  # type: ignore[arg-type]
    assert all(map(is_real, make_batch(sources, settings, step=0, places=range(4))))


def test_large_scenes_are_drawn_more_often() -> None:
    large, small = (Scene(name, np.zeros((n, n, 3), "u1")) for name, n in (("a", 30), ("b", 10)))
    pool, rng = pool_of([small, large]), np.random.default_rng(0)
    drawn = [pool.draw(rng).name for _ in range(400)]
    assert 0.68 < drawn.count("a") / 400 < 0.82


@pytest.fixture
def pair(scenes: list[Scene]) -> Pair:
    noise = NoiseSection(iso=(800, 800), ratio=(50, 50))
    rng = np.random.default_rng(1)
    return make_pair(scenes[0], random_condition(noise, rng), noise, size=16, rng=rng)


def test_balanced_planes_are_given_as_they_are(pair: Pair) -> None:
    planes, noise = network_input(pair, ModelSection())
    assert planes is pair.planes
    assert noise is pair.noise


def test_other_planes_lose_their_white_balance_and_so_does_their_noise(pair: Pair) -> None:
    planes, noise = network_input(pair, ModelSection(input_space="planes"))
    assert np.allclose(planes * pair.gains[:, None, None], pair.planes)
    signal = 0.3
    variance = pair.noise[:4] * signal + pair.noise[4:]
    unbalanced = noise[:4] * (signal / pair.gains) + noise[4:]
    assert np.allclose(unbalanced, variance / pair.gains**2)


def test_planes_are_clipped_where_the_network_wants_it(pair: Pair) -> None:
    bright = replace(pair, planes=pair.planes * 40 - 1)
    assert bright.planes.min() < 0
    assert bright.planes.max() > 1
    planes, _ = network_input(bright, ModelSection(input_space="planes", clip=True))
    assert (planes.min(), planes.max()) == (0, 1)


def test_batches_come_in_order_and_end_with_the_run(scenes: list[Scene]) -> None:
    settings, sources = config(), sources_of(scenes)
    found = list(batches.batches(settings, sources, ALONE, 4))
    assert len(found) == 2
    pairs = make_batch(sources, settings, step=5, places=range(4))
    expected = stacked(pairs, settings.model).to("cpu")
    assert torch.equal(found[1].planes, expected.planes)
    assert expected.planes.is_contiguous(memory_format=torch.channels_last)
    assert [t.shape[0] for t in vars(found[1]).values()] == [4] * 4


def test_whoever_stops_early_waits_for_no_batch(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def note(*_: object, step: int, places: range) -> Iterator[Pair]:
        made.append(step)
        return iter(())

    monkeypatch.setattr(batches, "make_batch", note)
    monkeypatch.setattr(batches, "stacked", lambda *_: None)
    stream = batches.batches(config(steps=1000), sources_of(scenes), ALONE, 0)
    next(stream)
    stream.close()
    assert len(made) <= batches.AHEAD


def test_a_gpu_is_fed_by_more_threads() -> None:
    assert threads_for("cpu") == 1
    assert 1 <= threads_for("cuda:0") <= batches.MOST_THREADS


def test_threads_do_not_change_batches(
    scenes: list[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, sources = config(), sources_of(scenes)
    one = list(batches.batches(settings, sources, ALONE, 0))
    monkeypatch.setattr(batches, "threads_for", lambda _: 3)
    three = list(batches.batches(settings, sources, ALONE, 0))
    assert all(torch.equal(a.planes, b.planes) for a, b in zip(one, three, strict=True))


def test_empty_pools_are_allowed() -> None:
    sources = sources_of([])
    assert isinstance(sources, Sources)
    with pytest.raises(IndexError):  # who loads scenes has refused this before
        draw_pair(sources, config(), np.random.default_rng(0))
