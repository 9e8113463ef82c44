"""Batches: simulated and real pairs, made by threads while the network learns.

A pair depends on the seed, the step and its place in the batch alone: a resumed run meets the same
batches, and so does any number of processes that share them.
"""

import os
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from darkroom.learning.config import ModelSection, TrainConfig
from darkroom.learning.distributed import Team
from darkroom.learning.nir_pairs import draw_nir_pair
from darkroom.learning.nir_scenes import NirScenes
from darkroom.learning.real_pairs import RealScene, make_real_pair
from darkroom.learning.scenes import Scene
from darkroom.learning.simulated_pairs import Pair, make_pair, random_condition

AHEAD = 3  # batches prepared while the network learns
MOST_THREADS = 8  # that prepare them for a GPU

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pool:
    """Scenes of one kind, drawn by the square root of their area: large ones more often.

    Attributes:
        scenes: what is drawn from.
        reach: sum of the weights up to and with each scene.
    """

    scenes: Sequence[Scene]
    reach: npt.NDArray[np.float64]

    def draw(self, rng: np.random.Generator) -> Scene:
        """Draw a scene."""
        return self.scenes[int(np.searchsorted(self.reach, rng.uniform(0, self.reach[-1])))]


@dataclass(frozen=True)
class Sources:
    """Where pairs come from; pools may be empty.

    Attributes:
        photos: clean photographs.
        frames: clean RAW frames.
        real: scenes with short and long exposures.
        nir: scenes in near-infrared and colour; with them there is nothing else.
    """

    photos: Pool
    frames: Pool
    real: Sequence[RealScene] = ()
    nir: NirScenes | None = None


@dataclass(frozen=True)
class Batch:
    """Pairs as a network takes them.

    Attributes:
        planes: (N, 4, p, p) amplified planes in the network's input space; (N, 1, p, p) or
            (N, 3, p, p) of a picture as coded.
        noise: (N, 8) their noise.
        truth: (N, 3, 2p, 2p) linear white-balanced camera RGB; (N, C, p, p) of a picture.
        camera_to_srgb: (N, 3, 3), or (N, C, C).
    """

    planes: Tensor
    noise: Tensor
    truth: Tensor
    camera_to_srgb: Tensor

    def to(self, device: str) -> "Batch":
        """Return the batch on a device, planes channels-last."""
        planes, *others = (t.to(device) for t in self.__dict__.values())
        return Batch(planes.contiguous(memory_format=torch.channels_last), *others)


def pool_of(scenes: Sequence[Scene]) -> Pool:
    """Weigh scenes for drawing."""
    areas = [scene.pixels.shape[0] * scene.pixels.shape[1] for scene in scenes]
    return Pool(scenes, np.cumsum(np.sqrt(areas)))


def sources_of(clean: Sequence[Scene], real: Sequence[RealScene] = ()) -> Sources:
    """Divide clean scenes into photographs and RAW frames, beside the real pairs."""
    return Sources(
        photos=pool_of([scene for scene in clean if scene.camera_to_srgb is None]),
        frames=pool_of([scene for scene in clean if scene.camera_to_srgb is not None]),
        real=real,
    )


def draw_pair(sources: Sources, config: TrainConfig, rng: np.random.Generator) -> Pair:
    """Make a pair: in near-infrared and colour; of real exposures by `pairs.share`; simulated."""
    size, photos, frames = config.training.patch, sources.photos, sources.frames
    if sources.nir:
        side = config.model.working_side
        return draw_nir_pair(sources.nir, config.nir, size=size, side=side, rng=rng)
    has_clean = bool(photos.scenes or frames.scenes)
    if sources.real and (not has_clean or rng.random() < config.pairs.share):
        scene = sources.real[int(rng.integers(len(sources.real)))]
        return make_real_pair(scene, size=size, rng=rng)
    wants_frame = not photos.scenes or rng.random() < config.data.raw_share
    clean = (frames if frames.scenes and wants_frame else photos).draw(rng)
    condition = random_condition(config.noise, rng)
    return make_pair(clean, condition, config.noise, size=size, rng=rng)


def make_batch(sources: Sources, config: TrainConfig, *, step: int, places: range) -> list[Pair]:
    """Make the pairs at some places of the batch of a step."""
    return [
        draw_pair(sources, config, np.random.default_rng((config.training.seed, step, place)))
        for place in places
    ]


def network_input(pair: Pair, model: ModelSection) -> tuple[FloatArray, FloatArray]:
    """Return planes and noise as the network takes them, and as `darkroom enhance` gives them.

    Without white balance ("planes") each plane and its noise are divided by its gain: variance =
    shot * x + read of the balanced plane x is shot/gain * y + read/gain**2 of y = x / gain.
    """
    planes, noise = pair.planes, pair.noise
    if model.input_space == "planes":
        planes = planes / pair.gains[:, None, None]
        noise = noise / np.concatenate([pair.gains, pair.gains**2])
    return (np.clip(planes, 0, 1) if model.clip else planes), noise


def stacked(pairs: Sequence[Pair], model: ModelSection) -> Batch:
    """Put pairs together in the network's input space."""
    planes, noise = zip(*(network_input(pair, model) for pair in pairs), strict=True)
    arrays = (planes, noise, [p.truth for p in pairs], [p.camera_to_srgb for p in pairs])
    return Batch(*(torch.from_numpy(np.stack(array)) for array in arrays))


def threads_for(device: str) -> int:
    """Return how many threads keep up with a device: a CPU has none to spare, a GPU is fast."""
    if device.startswith("cpu"):
        return 1
    return max(1, min(MOST_THREADS, (os.cpu_count() or 1) - 1))


def batches(
    config: TrainConfig, sources: Sources, team: Team, first: int
) -> Generator[Batch, None, None]:
    """Yield this process's share of the batches from step `first` on."""
    training, threads = config.training, threads_for(config.training.device)
    ahead = max(AHEAD, threads + 1)

    def make(step: int) -> Batch:
        places = team.share(training.batch)
        return stacked(make_batch(sources, config, step=step, places=places), config.model)

    pool = ThreadPoolExecutor(threads)
    waiting: list[Future[Batch]] = []
    try:
        for step in range(first, training.steps):
            while len(waiting) < ahead and step + len(waiting) < training.steps:
                waiting.append(pool.submit(make, step + len(waiting)))
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(cancel_futures=True)
