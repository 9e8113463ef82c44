"""What the speed benchmark of a GPU runs on, and what its pixels are compared with.

Made with nothing that reads RAW files: a frame is drawn, and a network taken from its file.
"""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.torch import load_file

from darkroom.camera.bayer import amplified_planes, visible
from darkroom.camera.raw import RawImage
from darkroom.inference.develop import Facts, facts_of
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks import NETWORKS, Network
from darkroom.picture.render import Rendering, camera_to_srgb, render

Pixels = npt.NDArray[np.uint16]
Found = dict[str, Any]

XYZ_TO_CAMERA = np.array([[0.66, -0.19, -0.05], [-0.46, 1.23, 0.26], [-0.06, 0.14, 0.65]])
BLACK, WHITE, RATIO = 512.0, 16_383.0, 100.0
BALANCE = (2.1, 1.0, 1.6)
SHOT, READ = 2e-4, 1e-6  # of the frame's noise, before it is amplified
MOST_LEVEL = 65_535


def network_in(weights: Path) -> Network:
    """Return the network of a weights file."""
    network = NETWORKS[network_name(weights)](**json.loads(card_of(weights)["config"]))
    network.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    return network.eval().requires_grad_(False)


def network_name(weights: Path) -> str:
    """Return the network's name in the card of a weights file."""
    return str(json.loads(card_of(weights)["network"]))


def card_of(weights: Path) -> dict[str, str]:
    """Return the card of a weights file as it is written."""
    with safe_open(weights, "pt") as file:
        card: dict[str, str] = file.metadata()
    return card


def frame(megapixels: float) -> RawImage:
    """Return a dark, noisy frame of drawn shapes on soft light, with the sides 3 to 4."""
    rng = np.random.default_rng(0)
    rows = round((megapixels * 1e6 * 3 / 4) ** 0.5 / 2) * 2
    columns = round(rows * 4 / 3 / 2) * 2
    soft = rng.uniform(0.02, 0.7, (6, 8)).astype(np.float32)
    light = cv2.resize(soft, (columns, rows), interpolation=cv2.INTER_CUBIC)
    for _ in range(round(60 * megapixels) + 1):
        x, y, size = (int(rng.integers(1, most)) for most in (columns, rows, 90))
        cv2.circle(light, (x, y), size, float(rng.uniform(0.01, 1.2)), -1, cv2.LINE_AA)
    signal = light.clip(0) / RATIO
    signal += rng.normal(0, 1, signal.shape) * np.sqrt(SHOT * signal + READ)
    counts = np.rint(BLACK + (WHITE - BLACK) * signal).clip(0, WHITE).astype(np.uint16)
    return RawImage(counts, "RGGB", (BLACK,) * 4, WHITE, BALANCE, XYZ_TO_CAMERA)


def facts(raw: RawImage) -> Facts:
    """Return what the network and the rendering are told of a frame."""
    red, green, blue = (RATIO * gain for gain in raw.white_balance)
    gains = np.array([red, green, blue, green])
    noise = np.concatenate([SHOT * gains, READ * gains**2]).astype(np.float32)
    rendering = Rendering(camera_to_srgb(raw.xyz_to_camera), "standard", (red, green, blue))
    return facts_of(raw, (red, green, blue, green), noise, rendering, clips=False)


def by_numpy(raw: RawImage, known: Facts, engine: TorchEngine) -> Pixels:
    """Develop a frame in the ordinary way: planes and light are arrays."""
    assert known.rendering is not None
    picture = visible(engine.run(amplified_planes(raw, known.gains), known.noise), raw)
    return render(
        picture,
        camera_to_srgb=known.rendering.camera_to_srgb,
        tone=known.rendering.tone,
        saturation=known.rendering.saturation,
    )


def distance(one: Pixels, other: Pixels) -> Found:
    """Return the largest difference in levels of 65535, the share above two, and the PSNR."""
    apart = np.abs(one.astype(np.int32) - other.astype(np.int32))
    error = float(np.square(apart.astype(np.float64)).mean())
    psnr = round(10 * float(np.log10(MOST_LEVEL**2 / error)), 2) if error else "same"
    share = round(float((apart > 2).mean()), 6)
    return {"most levels": int(apart.max()), "share above 2 levels": share, "psnr": psnr}
