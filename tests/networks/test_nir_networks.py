"""What every network for near-infrared pictures keeps to."""

import pytest
import torch

from darkroom.networks import FROM_MOSAIC, FROM_NIR, NETWORKS, TO_MOSAIC, Network
from tests.conftest import SMALL_NIR

TRAINED = [name for name in FROM_NIR if name != "l3"]  # by steps


def lively(name: str) -> Network:
    """Build a small network in which nothing starts at zero."""
    torch.manual_seed(0)
    network = NETWORKS[name](**SMALL_NIR[name]).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
    return network


def test_every_network_is_for_one_thing_and_has_a_small_form() -> None:
    assert SMALL_NIR.keys() == FROM_NIR.keys()
    assert not FROM_NIR.keys() & FROM_MOSAIC.keys()
    assert NETWORKS.keys() == FROM_NIR.keys() | FROM_MOSAIC.keys() | TO_MOSAIC.keys()


@pytest.mark.parametrize("name", FROM_NIR)
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 5), (40, 24)])
def test_keeps_the_contract(name: str, size: tuple[int, int]) -> None:
    network = lively(name)
    assert network.halo % network.multiple_of == 0
    assert network.bytes_per_pixel > 0
    picture = network(torch.rand(2, 1, *size), torch.zeros(2, 8))
    assert picture.shape == (2, 3, *size)
    assert picture.dtype == torch.float32


@pytest.mark.parametrize("name", TRAINED)
def test_learning_reaches_every_parameter(name: str) -> None:
    network = lively(name).train()
    network(torch.rand(2, 1, 32, 32)).square().mean().backward()
    assert [
        key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()
    ] == []


@pytest.mark.parametrize("name", TRAINED)
def test_half_precision_keeps_fine_steps(name: str) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        picture = lively(name)(torch.rand(1, 1, 32, 32)).detach()
    assert picture.dtype == torch.float32
    assert float((picture.bfloat16() != picture).float().mean()) > 0.9
