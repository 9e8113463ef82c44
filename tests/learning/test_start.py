from pathlib import Path

import pytest
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.config import ModelSection
from darkroom.learning.start import starting_network
from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights

SMALL = {"width": 4, "blocks": [1], "bottom": 1, "detail": 4}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The weights of a small network whose values are exact in half precision."""
    torch.manual_seed(0)
    network = NETWORKS["fast-unet"](**SMALL).half().float()
    path = tmp_path / "small.safetensors"
    card = Card(name="small", network="fast-unet", config=SMALL, halo=64, multiple_of=16)
    save_weights(path, card, network)
    return path


def picture(network: torch.nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return network(torch.rand(1, 4, 16, 16, generator=generator), torch.full((1, 8), 1e-3))


def test_starts_with_the_weights_of_the_file(small: Path) -> None:
    first, again = (starting_network(ModelSection(config=SMALL, init=small)) for _ in range(2))
    assert torch.equal(picture(first), picture(again))
    assert all(parameter.requires_grad for parameter in first.parameters())


def test_a_grown_network_begins_as_the_smaller_one(small: Path) -> None:
    same = starting_network(ModelSection(config=SMALL, init=small))
    grown = starting_network(ModelSection(config={**SMALL, "blocks": [3], "bottom": 2}, init=small))
    assert sum(1 for _ in grown.parameters()) > sum(1 for _ in same.parameters())
    assert torch.equal(picture(same), picture(grown))
    picture(grown).mean().backward()
    new = grown.get_parameter("encoder.0.2.second.weight")
    assert new.grad is not None
    assert new.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("network", "config", "words"),
    [
        ("unet", {"width": 2}, "holds a fast-unet"),
        ("fast-unet", {**SMALL, "width": 8}, "does not fit"),
        ("fast-unet", {**SMALL, "blocks": [1, 1]}, "does not fit"),
        ("fast-unet", {**SMALL, "bottom": 0}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_named(
    small: Path, network: str, config: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        starting_network(ModelSection(network=network, config=config, init=small))
