"""Every example runs as a user would run it, in an empty folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from darkroom.cli import run as run_command
from darkroom.learning.config import TrainConfig, load_config
from darkroom.networks.efficientnet_lite import EfficientNetLite
from darkroom.networks.nir_lite import NirLite
from darkroom.picture.load import load_picture
from darkroom.simulate import SimulateSettings, simulate_file
from darkroom.zoo.weights import build_network, load_weights
from tests.learning.nir_files import write_pairs
from tests.learning.pair_files import write_scenes

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
TRAININGS = sorted(EXAMPLES.glob("*.toml"))

# What makes a training short, whatever it trains.
SHORT = {
    "steps": 2,
    "batch": 1,
    "patch": 16,
    "width": 4,
    "validate_every": 2,
    "checkpoint_every": 2,
    "device": '"cpu"',
}


def run(*line: str | Path, folder: Path) -> str:
    """Run Python in `folder` and return what it printed; it must not complain."""
    command = [sys.executable, "-W", "error", *map(str, line)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, "Warning" in done.stderr) == (0, False), done.stderr
    return done.stdout


def draw_photos(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        coarse = rng.uniform(20, 235, (6, 8, 3)).astype(np.float32)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (96, 80)))


def shortened(text: str) -> str:
    """Return a training configuration with the numbers of a short run."""
    if 'network = "l3"' in text:
        return text  # one pass
    for name, value in SHORT.items():
        text = re.sub(rf"^{name} = \S+", f"{name} = {value}", text, flags=re.MULTILINE)
    text = text.replace("config = { root", "config = { width = 4, root")
    text = text.replace("config = { levels", "config = { width = 4, levels")
    text = re.sub(r"config = \{ width = \d+", "config = { width = 4", text)
    text = text.replace("variant = 2", "variant = 0")
    if "config = " not in text:
        text = text.replace('network = "unet"', 'network = "unet"\nconfig = { width = 4 }')
    return text


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_run(script: Path, tmp_path: Path) -> None:
    printed = run(script, folder=tmp_path)
    assert printed
    assert all(float(score) > 25 for score in re.findall(r"PSNR (\S+) dB", printed))


def published(encoder: EfficientNetLite) -> dict[str, torch.Tensor]:
    """Weights in the published form: three colours, and each convolution with a normalisation."""
    blocks = [block for stage in encoder.stages for block in stage]
    tensors = {"_conv_stem.weight": torch.randn(32, 3, 3, 3)}
    norms = {"_bn0": 32}
    for number, block in enumerate(blocks):
        there = f"_blocks.{number}."
        parts = {"_expand_conv": block.expand} if block.widens else {}
        parts |= {"_depthwise_conv": block.depthwise, "_project_conv": block.project}
        for norm, (name, part) in enumerate(parts.items(), start=3 - len(parts)):
            tensors[f"{there}{name}.weight"] = 0.3 * torch.randn_like(part.weight)
            norms[f"{there}_bn{norm}"] = len(part.weight)
    for norm, channels in norms.items():
        for name in ("weight", "bias", "running_mean", "running_var"):
            tensors[f"{norm}.{name}"] = 0.1 + torch.rand(channels)
    return tensors


def test_the_published_eyes_see_what_they_saw_with_their_normalisations(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights, grey = published(EfficientNetLite(0)), torch.rand(1, 1, 64, 64)
    torch.save(weights, tmp_path / "lite.pth")
    run(EXAMPLES / "start_nir_lite.py", "lite.pth", "0", folder=tmp_path)
    started = load_weights(tmp_path / "start_nir_lite.safetensors")
    network = build_network(started, device="cpu")
    assert isinstance(network, NirLite)

    def normalised(x: torch.Tensor, convolution: str, norm: str, **settings: int) -> torch.Tensor:
        mean, variance, scale, shift = (
            weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.conv2d(x, weights[f"{convolution}.weight"], **settings)
        return F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)

    colours = ((255 * grey - 127) / 128).expand(-1, 3, -1, -1)
    seen = F.relu6(normalised(F.pad(colours, (0, 1, 0, 1)), "_conv_stem", "_bn0", stride=2))
    deep = normalised(
        seen, "_blocks.0._depthwise_conv", "_blocks.0._bn1", padding=1, groups=seen.shape[1]
    )
    expected = normalised(F.relu6(deep), "_blocks.0._project_conv", "_blocks.0._bn2")
    found = network.encoder(grey)[0]
    assert (found - expected).abs().max() < 5e-3 * expected.abs().max()  # weights of half precision


def test_the_dark_frame_becomes_a_picture(tmp_path: Path) -> None:
    frame = EXAMPLES / "dark_coffee.dng"
    run("-m", "darkroom", "enhance", frame, "--ratio", "100", "-o", "demo", folder=tmp_path)
    picture = load_picture(tmp_path / "demo" / "dark_coffee.dng.tif")
    assert 0.1 < picture.mean() < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("training", TRAININGS, ids=lambda path: path.name)
def test_trainings_run(training: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.train.keep_freed_memory", lambda: False)  # it is for good
    draw_photos(tmp_path / "photos")
    (tmp_path / "raw").mkdir()
    simulate_file(
        tmp_path / "photos" / "0.png",
        tmp_path / "raw" / "clean.dng",
        SimulateSettings(iso=100, ratio=1),
    )
    listed = write_scenes(tmp_path, ("00001", "00002", "00003"))
    listed.rename(tmp_path / "Sony_train_list.txt")
    shutil.copytree(tmp_path / "Sony", tmp_path / "pairs")
    write_pairs(tmp_path / "pairs")
    config = tmp_path / training.name
    config.write_text(shortened(training.read_text(encoding="utf-8")), encoding="utf-8")
    assert run_command(["train", str(config), "-o", str(tmp_path / "run")]) == 0
    name = load_config(config).model.name
    assert load_weights(tmp_path / "run" / f"{name}.safetensors").card.name == name


@pytest.mark.parametrize("training", TRAININGS, ids=lambda path: path.name)
def test_trainings_name_their_folders_beside_themselves(training: Path, tmp_path: Path) -> None:
    copied = load_config(Path(shutil.copy(training, tmp_path)))
    data, pairs = copied.data, copied.pairs
    named = (*data.photos, *data.raw, *pairs.lists, *pairs.folders, *copied.nir.folders)
    assert named
    assert all(path.parent == tmp_path for path in named)


def test_the_long_trainings_explain_every_setting() -> None:
    names = ("train_fast_unet.toml", "train_nir_unet.toml", "train_l3.toml")
    text = "\n".join((EXAMPLES / name).read_text(encoding="utf-8") for name in names)
    for section in TrainConfig.model_fields:
        model = TrainConfig.model_fields[section].annotation
        for name in model.model_fields:  # type: ignore[union-attr]
            assert re.search(rf"^(# )?{name} = ", text, re.MULTILINE), f"{section}.{name}"
