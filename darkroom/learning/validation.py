"""A fixed set of dark patches, the same in every run with the same pictures, and its scores."""

import math
from dataclasses import replace
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from darkroom.camera.sensors import SENSORS, read_noise
from darkroom.learning.config import NoiseSection
from darkroom.learning.losses import display
from darkroom.learning.scenes import Scene
from darkroom.learning.simulated_pairs import Condition, Pair, make_pair, random_condition

CONDITIONS: dict[str, tuple[str, float, float]] = {
    "sony-a7s2 iso100 x1": ("sony-a7s2", 100, 1),
    "sony-a7s2 iso1600 x10": ("sony-a7s2", 1600, 10),
    "sony-a7s2 iso800 x100": ("sony-a7s2", 800, 100),
    "sony-a7s2 iso3200 x100": ("sony-a7s2", 3200, 100),
    "sony-a7s2 iso12800 x100": ("sony-a7s2", 12800, 100),
    "canon-70d iso1600 x100": ("canon-70d", 1600, 100),
}
PATCHES = 12  # for each condition
SEED = 20_260_101


def split(scenes: list[Scene], every: int) -> tuple[list[Scene], list[Scene]]:
    """Divide scenes into training and validation by their names, whatever their order.

    Every size of one picture falls on the same side.
    """
    held = [int(sha256(scene.name.encode()).hexdigest(), 16) % every == 0 for scene in scenes]
    train = [scene for scene, out in zip(scenes, held, strict=True) if not out]
    validation = [scene for scene, out in zip(scenes, held, strict=True) if out]
    return train or scenes, validation or scenes[:1]


def fixed_condition(name: str, rng: np.random.Generator) -> Condition:
    """Return a named condition with the camera's own colours and calibrated noise."""
    camera, iso, ratio = CONDITIONS[name]
    noise = NoiseSection(cameras=(camera,), iso=(iso, iso), ratio=(ratio, ratio))
    drawn = random_condition(noise, rng)
    return replace(drawn, read=read_noise(SENSORS[camera], iso), brightness=1.0)


def validation_pairs(scenes: list[Scene], *, size: int) -> dict[str, list[Pair]]:
    """Make the fixed patches of each condition, `size` packed pixels each."""
    noise = NoiseSection(level_error=0, black_error=0)
    pairs: dict[str, list[Pair]] = {}
    for name in CONDITIONS:
        rng = np.random.default_rng(SEED)  # the same places in every condition
        pairs[name] = [
            make_pair(
                scenes[index % len(scenes)], fixed_condition(name, rng), noise, size=size, rng=rng
            )
            for index in range(PATCHES)
        ]
    return pairs


def display_psnr(linear: torch.Tensor, pair: Pair) -> float:
    """Return the PSNR in sRGB, in dB, of one result (3, H, W)."""
    matrix = torch.from_numpy(pair.camera_to_srgb)[None]
    result, truth = (
        display(picture[None].float(), matrix).clamp(0, 1)
        for picture in (linear, torch.from_numpy(pair.truth))
    )
    return -10 * math.log10(max(float((result - truth).square().mean()), 1e-12))


@torch.inference_mode()
def score(network: nn.Module, pairs: dict[str, list[Pair]], *, device: str) -> dict[str, float]:
    """Return the mean PSNR of every condition and of all together ("mean")."""
    scores: dict[str, float] = {}
    for name, group in pairs.items():
        planes = torch.from_numpy(np.stack([pair.planes for pair in group])).to(device)
        noise = torch.from_numpy(np.stack([pair.noise for pair in group])).to(device)
        results = network(planes, noise).cpu()
        values = [display_psnr(result, pair) for result, pair in zip(results, group, strict=True)]
        scores[name] = round(sum(values) / len(values), 3)
    scores["mean"] = round(sum(scores.values()) / len(scores), 3)
    return scores


def picture_strip(
    network: nn.Module, pairs: dict[str, list[Pair]], *, device: str
) -> npt.NDArray[np.uint16]:
    """Return the first patch of each condition as rows: the noisy one (binned), result, truth."""
    rows = []
    for group in pairs.values():
        pair = group[0]
        planes, noise = (torch.from_numpy(a)[None].to(device) for a in (pair.planes, pair.noise))
        with torch.inference_mode():
            result = network(planes, noise)[0].cpu().float()
        binned = torch.from_numpy(pair.planes[[0, 1, 2]]).repeat_interleave(2, 1)
        pictures = [binned.repeat_interleave(2, 2), result, torch.from_numpy(pair.truth)]
        matrix = torch.from_numpy(pair.camera_to_srgb)[None]
        shown = [display(p[None], matrix)[0].clamp(0, 1) for p in pictures]
        rows.append(torch.cat(shown, 2))
    strip = torch.cat(rows, 1).permute(1, 2, 0).numpy()
    return np.ascontiguousarray(np.rint(strip * 65535), np.uint16)
