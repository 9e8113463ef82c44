from pathlib import Path

import pytest
import torch

from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

CONFIG = {"width": 4, "blocks": [1], "bottom": 1, "detail": 4}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A weights file of a tiny network."""
    torch.manual_seed(0)
    network = NETWORKS["fast-unet"](**CONFIG)
    path = tmp_path / "tiny.safetensors"
    card = Card(name="tiny", network="fast-unet", config=CONFIG, halo=16, multiple_of=4)
    save_weights(path, card, network)
    return path
