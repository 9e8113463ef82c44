import os
from pathlib import Path

import pytest
import torch

import darkroom.inference  # noqa: F401 - before anything loads OpenVINO
from darkroom.inference.tiling import Canvas, FloatArray, Grid, Run, deliver_tiles
from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

torch.set_num_threads(1)  # on pictures this small, threads only wait for each other

SMALL = {
    "fast-unet": {"width": 4, "blocks": [1], "bottom": 1, "detail": 4},
    "unet": {"width": 2, "levels": 3},
    "deep-unet": {"width": 2, "levels": 4, "widest": 8, "root": True},
    "attention-unet": {"width": 2, "levels": 3, "root": True},
    "double-unet": {"width": 2, "levels": 3, "root": True},
    "vae-unet": {"width": 2, "levels": 3, "tone_width": 2, "latent": 2, "root": True},
}
SMALL_NIR = {
    "nir-lite": {"variant": 0},
    "nir-unet": {"width": 4, "levels": 2, "widest": 8, "bottom": 1},
    "nir-cnn": {"width": 2},
    "triplet-unet": {"width": 2, "levels": 2, "widest": 4},
    "l3": {"levels": 2, "contrasts": 1},
}
OUTPUTS = {
    "fast-unet": {"output_space": "camera-linear"},
    "unet": {"output_space": "srgb", "input_space": "planes", "noise_map": False, "clip": True},
    "deep-unet": {"output_space": "camera-linear", "noise_map": False},
    "attention-unet": {"output_space": "camera-linear", "noise_map": False},
    "double-unet": {"output_space": "camera-linear", "noise_map": False},
    "vae-unet": {"output_space": "camera-linear", "noise_map": False},
}


def run_tiled(run: Run, planes: FloatArray, grid: Grid) -> FloatArray:
    """The picture (C, s*h, s*w) that `run` makes of planes (N, h, w), tile by tile."""
    canvas = Canvas()
    deliver_tiles(run, planes, grid, canvas)
    return canvas.picture


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep converted networks out of the user's cache; programs the tests start do, too."""
    os.environ["DARKROOM_CACHE"] = str(tmp_path_factory.mktemp("graphs"))


def small_weights(folder: Path, network: str = "fast-unet") -> Path:
    """Write the weights of a small network that nobody trained, and return their file."""
    torch.manual_seed(0)
    built = NETWORKS[network](**SMALL[network])
    with torch.no_grad():  # so that the untrained picture is not black
        *_, bias = (b for name, b in built.named_parameters() if name.endswith("head.bias"))
        bias.fill_(0.4)
    path = folder / f"small-{network}.safetensors"
    card = Card(
        name=f"small-{network}",
        network=network,
        config=SMALL[network],
        halo=int(built.halo),
        multiple_of=int(built.multiple_of),
        **OUTPUTS[network],
    )
    save_weights(path, card, built)
    return path


@pytest.fixture
def small_model(tmp_path: Path) -> str:
    """The weights file of a small fast-unet, as `--model` takes it."""
    return str(small_weights(tmp_path))


@pytest.fixture
def small_srgb_model(tmp_path: Path) -> str:
    """The weights file of a small unet that makes finished sRGB, as `--model` takes it."""
    return str(small_weights(tmp_path, "unet"))


@pytest.fixture
def small_nir_model(tmp_path: Path) -> str:
    """The weights file of a small nir-unet that nobody trained, as `--model` takes it."""
    built = NETWORKS["nir-unet"](**SMALL_NIR["nir-unet"])
    path = tmp_path / "small-nir-unet.safetensors"
    card = Card(
        name="small-nir-unet",
        task="colorize",
        network="nir-unet",
        config=SMALL_NIR["nir-unet"],
        input_space="nir",
        output_space="srgb",
        noise_map=False,
        halo=int(built.halo),
        multiple_of=int(built.multiple_of),
        working_side=64,
    )
    save_weights(path, card, built)
    return str(path)
