import pytest
import torch

from darkroom.networks import NETWORKS

SMALL = {"fast-unet": {"width": 4, "blocks": (1,), "bottom": 1, "detail": 4}, "unet": {"width": 2}}


def test_every_network_has_a_small_form_here() -> None:
    assert SMALL.keys() == NETWORKS.keys()


@pytest.mark.parametrize("name", NETWORKS)
def test_keeps_the_contract(name: str) -> None:
    network = NETWORKS[name](**SMALL[name])
    assert network.halo % network.multiple_of == 0
    assert network.bytes_per_pixel > 0
    picture = network(torch.rand(1, 4, 16, 16), torch.full((1, 8), 1e-3))
    assert picture.shape == (1, 3, 32, 32)
    assert picture.dtype == torch.float32
