import pytest
import torch
import torch.nn.functional as F

from darkroom.networks.double_unet import DoubleUNet
from darkroom.networks.unet import UNet


def test_the_first_part_starts_from_a_trained_network() -> None:
    torch.manual_seed(0)
    trained, double = UNet(width=2, levels=3), DoubleUNet(width=2, levels=3)
    double.first.load_state_dict(trained.state_dict())
    planes = torch.rand(1, 4, 16, 16)
    assert torch.equal(double.first(planes), trained(planes))


def test_the_halo_is_that_of_both() -> None:
    double = DoubleUNet(width=2)
    assert double.halo == 2 * UNet(width=2).halo == 224


@pytest.mark.parametrize("level", [0, 1])
def test_features_of_the_first_enter_the_second_at_their_level(level: int) -> None:
    torch.manual_seed(0)
    double, planes = DoubleUNet(width=2, levels=3).eval(), torch.rand(1, 4, 16, 16)
    before = double(planes)
    inputs = double.second.encoder[level].first.weight
    with torch.no_grad():
        inputs[:, -(2 << level) :] = 0  # what comes across is the last of the inputs
    assert not torch.equal(before, double(planes))


def test_without_skips_across_it_is_two_networks_in_a_row() -> None:
    torch.manual_seed(0)
    double, planes = DoubleUNet(width=2, levels=3).eval(), torch.rand(1, 4, 16, 16)
    alone = UNet(width=2, levels=3)
    alone.encoder[0].first = torch.nn.Conv2d(12, 2, 3, padding=1)
    tensors = double.second.state_dict()
    for level in (0, 1):
        across = tensors[f"encoder.{level}.first.weight"]
        across[:, -(2 << level) :] = 0  # shared with the network
        tensors[f"encoder.{level}.first.weight"] = across[:, : -(2 << level)]
    alone.load_state_dict(tensors)
    draft = F.pixel_unshuffle(double.first(planes), 2)
    torch.testing.assert_close(double(planes), alone(draft))


def test_a_root_stays_a_root_between_the_two() -> None:
    double = DoubleUNet(width=2, levels=2, root=True)
    assert double.root
    assert not double.first.root
