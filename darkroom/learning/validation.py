"""A fixed set of dark patches, the same in every run with the same pictures, and its scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from darkroom.camera.sensors import SENSORS, read_noise
from darkroom.learning.batches import stacked
from darkroom.learning.config import ModelSection, NoiseSection
from darkroom.learning.losses import display
from darkroom.learning.real_pairs import RealScene, make_real_pair
from darkroom.learning.scenes import Scene, number_of
from darkroom.learning.simulated_pairs import Condition, Pair, make_pair, random_condition
from darkroom.measure.psnr import psnr

FloatArray = npt.NDArray[np.float32]

CONDITIONS: dict[str, tuple[str, float, float]] = {
    "sony-a7s2 iso100 x1": ("sony-a7s2", 100, 1),
    "sony-a7s2 iso1600 x10": ("sony-a7s2", 1600, 10),
    "sony-a7s2 iso800 x100": ("sony-a7s2", 800, 100),
    "sony-a7s2 iso3200 x100": ("sony-a7s2", 3200, 100),
    "sony-a7s2 iso12800 x100": ("sony-a7s2", 12800, 100),
    "canon-70d iso1600 x100": ("canon-70d", 1600, 100),
}
PATCHES = 12  # for each condition
REAL = "real pairs"
REAL_PATCHES = 24
SEED = 20_260_101
BEST = 120.0  # dB: keeps the mean finite where a result is exact
AT_ONCE = 12 * 128 * 128  # packed pixels that are validated together
SHOWN = 256  # edge of the patches in the strip


def split(scenes: list[Scene], every: int) -> tuple[list[Scene], list[Scene]]:
    """Divide scenes into training and validation by their names, whatever their order.

    Every size of one picture falls on the same side.
    """
    held = [number_of(scene.name) % every == 0 for scene in scenes]
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


def real_validation_pairs(scenes: Sequence[RealScene], *, size: int) -> dict[str, list[Pair]]:
    """Cut the fixed patches of the real pairs that are held back; none without such scenes."""
    if not scenes:
        return {}
    count = max(REAL_PATCHES, len(scenes))
    rngs = (np.random.default_rng((SEED, index)) for index in range(count))
    pairs = [
        make_real_pair(scenes[index % len(scenes)], size=size, rng=rng)
        for index, rng in enumerate(rngs)
    ]
    return {REAL: pairs}


@dataclass(frozen=True)
class Examination:
    """What a validation found.

    Attributes:
        scores: mean PSNR in sRGB of every condition and of all together ("mean"), in dB.
        strip: the first patch of each condition as a row: the noisy one (binned), result, truth.
    """

    scores: dict[str, float]
    strip: npt.NDArray[np.uint16]


def examine(
    network: nn.Module, pairs: dict[str, list[Pair]], model: ModelSection, *, device: str
) -> Examination:
    """Run a network over the patches of every condition."""
    scores: dict[str, float] = {}
    rows = []
    for name, group in pairs.items():
        found = [
            (shown(result, pair, model.output_space), shown(pair.truth, pair))
            for result, pair in zip(results(network, group, model, device), group, strict=True)
        ]
        each = [min(psnr(truth.numpy(), result.numpy()), BEST) for result, truth in found]
        scores[name] = round(sum(each) / len(each), 3)
        rows.append(torch.cat([middle(one) for one in (taken(group[0]), *found[0])], 2))
    scores["mean"] = round(sum(scores.values()) / len(scores), 3)
    strip = torch.cat(rows, 1).permute(1, 2, 0).numpy()
    return Examination(scores, np.ascontiguousarray(np.rint(strip * 65535), np.uint16))


@torch.inference_mode()
def results(
    network: nn.Module, group: list[Pair], model: ModelSection, device: str
) -> Iterator[Tensor]:
    """Yield what the network makes of each pair, (3, 2p, 2p), as many at a time as fit."""
    together = max(1, AT_ONCE // group[0].planes[0].size)
    for first in range(0, len(group), together):
        batch = stacked(group[first : first + together], model).to(device)
        yield from network(batch.planes, batch.noise).float().cpu()


def shown(picture: Tensor | FloatArray, pair: Pair, space: str = "camera-linear") -> Tensor:
    """Return a picture (3, H, W) as the display shows it, 0..1; sRGB is shown as it is."""
    picture = torch.as_tensor(picture)
    if space == "camera-linear":
        picture = display(picture[None], torch.from_numpy(pair.camera_to_srgb)[None])[0]
    return picture.clamp(0, 1)


def taken(pair: Pair) -> Tensor:
    """Return what the network got, at the size of its result: each cell is one colour."""
    scale = pair.truth.shape[1] // pair.planes.shape[1]
    if scale == 1:
        return torch.from_numpy(pair.planes)
    cells = torch.from_numpy(pair.planes[:3])
    return shown(cells.repeat_interleave(scale, 1).repeat_interleave(scale, 2), pair)


def middle(picture: Tensor) -> Tensor:
    """Return the middle of a large picture in three channels, so that strips stay small."""
    picture = picture.expand(3, -1, -1)
    top, left = (max(0, size - SHOWN) // 2 for size in picture.shape[1:])
    return picture[:, top : top + SHOWN, left : left + SHOWN]
