"""Make what the speed benchmark runs on: dark frames of any size, and weights nobody trained.

    python benchmarks/speed_files.py frame TARGET.dng MEGAPIXELS
    python benchmarks/speed_files.py weights FOLDER

A frame is drawn (soft light, texture of every size, shapes with hard edges, lettering) and darkened
with the noise of a camera. The weights are the SID U-Net's as PyTorch initialises it, with one
averaging path laid through them, so that its picture is a picture and compresses like one.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from darkroom.networks.unet import UNet
from darkroom.simulate import SimulateSettings, simulate_file
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

FloatArray = npt.NDArray[np.float32]

SHAPES = 60  # for each megapixel
OCTAVES = (4, 12, 40, 130, 420)  # cells of texture across the picture
WORD = "darkroom 0123456789"


def size_of(megapixels: float) -> tuple[int, int]:
    """Return even rows and columns of a frame with the sides 3 to 4.

    >>> size_of(12)
    (3000, 4000)
    """
    rows = round((megapixels * 1e6 * 3 / 4) ** 0.5 / 2) * 2
    return rows, round(rows * 4 / 3 / 2) * 2


def draw(rows: int, columns: int) -> npt.NDArray[np.uint8]:
    """Return a drawn scene (rows, columns, 3), the same one every time."""
    rng = np.random.default_rng(0)
    scene = soft(rng, rows, columns, cells=8, low=40, high=210).clip(0, 255).astype(np.uint8)
    for _ in range(round(SHAPES * rows * columns / 1e6)):
        put_shape(scene, rng)
    textured = scene.astype(np.float32)
    for octave, cells in enumerate(OCTAVES):
        swing = 30 / (1 + octave)
        textured += soft(rng, rows, columns, cells=cells, low=-swing, high=swing)
    return textured.clip(0, 255).astype(np.uint8)


def soft(
    rng: np.random.Generator, rows: int, columns: int, *, cells: int, low: float, high: float
) -> FloatArray:
    """Return smooth random colours with so many cells across."""
    shape = (max(2, cells * rows // columns), cells, 3)
    coarse = rng.uniform(low, high, shape).astype(np.float32)
    large = cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)


def put_shape(scene: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Draw a disc, a bar, a line or a word somewhere."""
    rows, columns = scene.shape[:2]
    x, y, size = (int(rng.integers(most)) for most in (columns, rows, 120))
    colour = [float(level) for level in rng.uniform(5, 250, 3)]
    kind = rng.integers(4)
    if kind == 0:
        cv2.circle(scene, (x, y), size // 2, colour, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.rectangle(scene, (x, y), (x + size, y + int(rng.integers(120))), colour, -1)
    elif kind == 2:
        cv2.line(scene, (x, y), (x + 3 * size, y + size), colour, 1 + size // 40, cv2.LINE_AA)
    else:
        cv2.putText(scene, WORD, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size / 60, colour, 2)


def make_frame(target: Path, megapixels: float) -> None:
    """Write the dark frame of a drawn scene."""
    picture = target.with_suffix(".png")
    cv2.imwrite(str(picture), draw(*size_of(megapixels)), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    simulate_file(picture, target, SimulateSettings(overwrite=True))
    picture.unlink()


def drawn_weights() -> UNet:
    """Return the SID U-Net with random weights rounded to half precision."""
    torch.manual_seed(0)
    network = UNet().eval().requires_grad_(False)
    lay_path(network)
    return network.half().float()


def lay_path(network: UNet) -> None:
    """Lead the planes through the top level, averaged over 3x3 at each step, to their colours."""
    weights = network.state_dict()
    last = f"decoder.{len(network.decoder) - 1}"
    skipped = weights[f"{last}.first.weight"].shape[1] // 2  # what came down stands behind
    starts = {"encoder.0.first": 0, "encoder.0.second": 0, f"{last}.first": skipped}
    for layer, start in {**starts, f"{last}.second": 0}.items():
        for plane in range(4):
            weights[f"{layer}.weight"][plane, start + plane] += 1 / 9
    for colour, planes in enumerate(((0,), (1, 3), (2,))):
        for plane in planes:
            weights["head.weight"][4 * colour : 4 * colour + 4, plane] += 1 / len(planes)


def make_weights(folder: Path) -> None:
    """Write the weights twice: as darkroom takes them, and as ports of SID do."""
    network = drawn_weights()
    card = Card(
        name="drawn-unet",
        network="unet",
        input_space="planes",
        output_space="srgb",
        noise_map=False,
        clip=True,
        halo=network.halo,
        multiple_of=network.multiple_of,
        data="none: random weights, to measure speed",
    )
    save_weights(folder / "drawn-unet.safetensors", card, network)
    torch.save(network.state_dict(), folder / "drawn-unet.pth")


def main() -> None:
    """Make a frame or the weights."""
    what, target, *rest = sys.argv[1:]
    if what == "frame":
        make_frame(Path(target), float(rest[0]))
    else:
        make_weights(Path(target))


if __name__ == "__main__":
    main()
