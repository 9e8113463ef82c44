"""Learn an L3 from near-infrared pairs: their files are read one by one and forgotten."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from darkroom.learning.config import L3Section, NirSection, TrainConfig
from darkroom.learning.l3_fit import L3Settings, fit_l3
from darkroom.learning.nir_scenes import ALL, divided, load_pair, wanted_pairs
from darkroom.measure.psnr import psnr
from darkroom.networks.l3 import L3
from darkroom.picture.nir_pairs import NirPair

FloatArray = npt.NDArray[np.float32]


def learn_l3(config: TrainConfig, on_skipped: Callable[[str], None]) -> tuple[L3, dict[str, float]]:
    """Learn the table, and score it on the pairs that are kept back.

    Raises:
        UsageProblem: there is nothing to learn from.
        NothingMatched: a folder holds no pairs.
    """
    training, held_out = divided(wanted_pairs(config.nir), config.nir.holdout)
    network = fit_l3(
        planes_of(training, config.nir, on_skipped),
        settings_of(config.l3, config.training.seed),
        pictures=len(training),
    )
    return network, scores_of(network, planes_of(held_out, config.nir, on_skipped))


def settings_of(section: L3Section, seed: int) -> L3Settings:
    """Turn the table of a configuration into settings: levels are cut evenly in logarithms."""
    low, high = np.log10(section.level_range)
    levels = tuple(float(cut) for cut in np.logspace(low, high, section.levels))
    kept = section.model_dump(exclude={"levels", "level_range", "contrasts"})
    return L3Settings(level_cuts=levels, contrast_cuts=section.contrasts, seed=seed, **kept)


def planes_of(
    pairs: Sequence[NirPair], section: NirSection, on_skipped: Callable[[str], None]
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield input and target, (C, H, W) in 0..1, of each pair that can be read."""
    for pair in pairs:
        skipped: list[str] = []
        scene = load_pair(pair, ALL, skipped)
        for sentence in skipped:
            on_skipped(sentence)
        if scene is None or scene.nir is None:
            continue
        grey, colour = scene.nir[None], np.moveaxis(scene.srgb, -1, 0)
        planes = (colour, grey) if section.reverse else (grey, colour)
        seen, truth = (np.asarray(each, np.float32) / np.float32(255) for each in planes)
        yield seen, truth


def scores_of(network: L3, pairs: Iterator[tuple[FloatArray, FloatArray]]) -> dict[str, float]:
    """Return the mean PSNR over pairs."""
    each = [psnr(truth, rendered(network, planes)) for planes, truth in pairs]
    return {"mean": round(sum(each) / len(each), 3)} if each else {}


@torch.inference_mode()
def rendered(network: L3, planes: FloatArray) -> FloatArray:
    """Return what the network makes of planes (C, H, W)."""
    picture: Tensor = network(torch.from_numpy(planes)[None])
    return np.asarray(picture[0].numpy(), np.float32)
