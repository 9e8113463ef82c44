import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

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
