import pytest
import torch

from darkroom.networks.unet import UNet, halo


def parameters(network: torch.nn.Module) -> int:
    return sum(tensor.numel() for tensor in network.parameters())


def test_is_the_published_network() -> None:
    assert parameters(UNet()) == 7_760_268
    assert parameters(UNet(upsampling_bias=True)) == 7_760_748


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 5), (40, 24)])
def test_takes_any_size(size: tuple[int, int]) -> None:
    picture = UNet(width=2)(torch.rand(2, 4, *size))
    assert picture.shape == (2, 3, 2 * size[0], 2 * size[1])


def test_nothing_beyond_the_halo_is_seen() -> None:
    network = UNet(width=2, levels=3).eval()
    planes = torch.rand(1, 4, 96, 16, requires_grad=True)
    row = 64  # its influence must end within the halo, also between two alignment steps
    network(planes)[0, :, 2 * row].sum().backward()
    assert planes.grad is not None
    seen = planes.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    reach = max(row - int(seen.min()), int(seen.max()) - row)
    assert 0 < reach <= network.halo == halo(3)


def test_alignment_matches_the_levels() -> None:
    assert UNet(width=2).multiple_of == 16
    assert UNet(width=2, levels=6).multiple_of == 32
