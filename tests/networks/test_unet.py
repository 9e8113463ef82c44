import pytest
import torch

from darkroom.networks.unet import DeepUNet, UNet, halo


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


def test_the_deep_form_doubles_its_channels_up_to_a_bound() -> None:
    with torch.device("meta"):
        six, seven = DeepUNet(), DeepUNet(levels=7)
    assert parameters(six) == 20_607_372
    assert parameters(seven) == 33_454_476
    assert (seven.multiple_of, seven.halo) == (64, halo(7))
    widths = [level.second.out_channels for level in seven.encoder]
    assert widths == [32, 64, 128, 256, 512, 512, 512]


def test_the_deep_form_with_as_many_levels_is_the_published_network() -> None:
    with torch.device("meta"):
        deep, published = DeepUNet(levels=5), UNet()
    assert deep.state_dict().keys() == published.state_dict().keys()
    assert parameters(deep) == parameters(published) == 7_760_268


def test_tensors_keep_their_names() -> None:
    names = {name.rsplit(".", 1)[0] for name in UNet(width=2, levels=2).state_dict()}
    blocks = {"encoder.0", "encoder.1", "decoder.0"}
    assert names == {f"{b}.{c}" for b in blocks for c in ("first", "second")} | {"up.0", "head"}
