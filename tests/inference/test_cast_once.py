import pytest
import torch

from darkroom.inference.cast_once import CastOnce, in_half_precision, watching
from darkroom.networks import FROM_MOSAIC
from tests.conftest import SMALL

NOISE = torch.full((1, 8), 1e-3)


def small(name: str):
    torch.manual_seed(0)
    network = FROM_MOSAIC[name](**SMALL[name]).eval().requires_grad_(False)
    return network.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_pictures_are_the_very_same(name: str) -> None:
    network, planes = small(name), torch.rand(1, 4, 32, 48)
    once = CastOnce(network)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        expected = network(planes, NOISE)
        for _ in range(3):
            assert torch.equal(once(planes, NOISE), expected)


def test_heads_keep_single_precision_and_the_network_stays_as_it_is() -> None:
    network = small("fast-unet")
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), watching(network) as seen:
        network(torch.rand(1, 4, 16, 16), NOISE)
    copy = in_half_precision(network, seen)
    kinds = {name: value.dtype for name, value in copy.named_parameters()}
    assert kinds["head.weight"] == kinds["head.bias"] == torch.float32
    assert kinds["entry.weight"] == kinds["bottom.0.first.bias"] == torch.bfloat16
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert copy.entry.weight.is_contiguous(memory_format=torch.channels_last)


def test_nothing_watches_the_network_afterwards() -> None:
    network = small("unet")
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        CastOnce(network)(torch.rand(1, 4, 16, 16), NOISE)
    assert not any(layer._forward_pre_hooks for layer in network.modules())
