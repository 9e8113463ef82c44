import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from darkroom.networks import NETWORKS
from darkroom.simulate import SimulateSettings, simulate_file
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights
from tests.zoo.foreign.checkpoints import lively, sid_names

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with one model called "night", the only one there is."""
    models = tmp_path / "models"
    models.mkdir()
    monkeypatch.setattr("darkroom.zoo.find.folders", lambda: iter([models]))
    torch.manual_seed(0)
    network = NETWORKS["unet"](width=2)
    card = Card(name="night", network="unet", config={"width": 2}, halo=100, multiple_of=16)
    save_weights(models / "night.safetensors", card, network)
    return models


def test_models_are_listed(darkroom: Run, folder: Path) -> None:
    assert "night" in darkroom("models", "list").out
    (line,) = darkroom("models", "list", "--json").out.splitlines()
    assert json.loads(line)["name"] == "night"


def test_a_broken_file_does_not_hide_the_others(darkroom: Run, folder: Path) -> None:
    (folder / "broken.safetensors").write_bytes(b"nonsense")
    ended = darkroom("models", "list")
    assert ended.code == 0
    assert "night" in ended.out
    assert "broken" in ended.err


def test_a_card_is_shown(darkroom: Run, folder: Path) -> None:
    ended = darkroom("models", "show", "night")
    assert ended.code == 0
    assert {"network", "unet", "sha256"} <= set(ended.out.split())
    assert json.loads(darkroom("models", "show", "night", "--json").out)["halo"] == 100


def test_an_unknown_model_ends_with_code_4(darkroom: Run, folder: Path) -> None:
    ended = darkroom("models", "show", "day")
    assert ended.code == 4
    assert "night" in ended.err


def test_damaged_weights_are_found(darkroom: Run, folder: Path) -> None:
    assert darkroom("models", "verify").code == 0
    path = folder / "night.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    ended = darkroom("models", "verify", "night")
    assert ended.code == 4
    assert "sha256" in ended.err
    record = json.loads(darkroom("models", "verify", "--json").out)
    assert (record["model"], record["status"]) == ("night", "failed")


@pytest.fixture
def shot(tmp_path: Path) -> Path:
    """Return a small dark RAW file."""
    picture = np.random.default_rng(0).integers(0, 255, (64, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "scene.png"), picture)
    simulate_file(tmp_path / "scene.png", tmp_path / "dark.dng", SimulateSettings(ratio=20))
    return tmp_path / "dark.dng"


def test_a_checkpoint_becomes_a_model_that_works(
    darkroom: Run, folder: Path, tmp_path: Path, shot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkroom.adopt.folders", lambda: iter([folder]))
    torch.save({"netG": sid_names(lively("raw-unet"))}, tmp_path / "eld.pt")
    ended = darkroom("models", "import", tmp_path / "eld.pt", "--check", shot, "--json")
    assert (ended.code, json.loads(ended.out)["name"]) == (0, "eld")
    assert "raw-unet, gives raw-planes" in ended.err
    assert "a finite picture" in ended.err
    assert darkroom("models", "verify", "eld").code == 0
    assert darkroom("enhance", shot, "--model", "eld", "--ratio", "20").code == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "eld.safetensors",
        "night.safetensors",
    ]


def test_a_model_without_a_picture_is_not_kept(
    darkroom: Run, folder: Path, tmp_path: Path, shot: Path
) -> None:
    black = {name: 0 * tensor for name, tensor in sid_names(lively("unet")).items()}
    torch.save(black, tmp_path / "black.pt")
    out = tmp_path / "out"
    ended = darkroom("models", "import", tmp_path / "black.pt", "--check", shot, "-o", out)
    assert ended.code == 4
    assert "not kept" in ended.err
    assert not out.exists()


def test_what_is_no_checkpoint_ends_with_code_4(darkroom: Run, folder: Path, shot: Path) -> None:
    ended = darkroom("models", "import", shot, "--name", "day")
    assert ended.code == 4
    assert "no file of weights" in ended.err
    missing = darkroom("models", "import", shot, "--name", "day", "--check", "none.dng")
    assert (missing.code, "none.dng" in missing.err) == (2, True)


def test_a_model_is_exported_once(darkroom: Run, folder: Path, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    target = tmp_path / "night.onnx"
    ended = darkroom("models", "export", "night", "-o", target)
    assert (ended.code, ended.out) == (0, "")
    assert str(target) in ended.err
    assert onnx.load(target).graph.input[0].name == "planes"
    before = target.read_bytes()
    again = darkroom("models", "export", "night", "-o", target)
    assert (again.code, target.read_bytes()) == (2, before)
    assert "--overwrite" in again.err
    assert darkroom("models", "export", "night", "-o", target, "--overwrite").code == 0


def test_an_unknown_model_is_not_exported(darkroom: Run, folder: Path, tmp_path: Path) -> None:
    assert darkroom("models", "export", "day", "-o", tmp_path / "day.onnx").code == 4
    assert not (tmp_path / "day.onnx").exists()
