import pytest
import torch

from darkroom.networks.nir_lite import NirLite


def lively() -> NirLite:
    """A network in which nothing starts at zero."""
    torch.manual_seed(0)
    network = NirLite().eval().requires_grad_(False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return network


def test_it_begins_as_the_grey_picture() -> None:
    grey = torch.rand(1, 1, 40, 50)
    assert torch.allclose(NirLite().eval()(grey), grey.expand(-1, 3, -1, -1))


def test_it_sees_the_whole_picture() -> None:
    grey, network = torch.rand(1, 1, 64, 256), lively()
    changed = grey.clone()
    changed[..., -32:] = 1 - changed[..., -32:]
    difference = (network(grey) - network(changed)).abs()
    assert float(difference[..., :32].max()) > 0


def test_it_answers_with_lines_that_are_smooth() -> None:
    """Of a picture without edges it makes one without edges, a checkerboard least of all."""
    ramp = torch.linspace(0.2, 0.8, 64)[None, None, None].expand(1, 1, 64, 64)
    picture = lively()(ramp)
    steps = picture.diff(dim=-1).abs().max()
    assert float(steps) < 0.3 * float(picture.max() - picture.min())


def test_what_is_dropped_out_in_training_is_not_in_use() -> None:
    grey = torch.rand(1, 1, 64, 64)
    network = lively()
    assert torch.equal(network(grey), network(grey))
    network.train()
    assert not torch.equal(network(grey), network(grey))


def test_there_are_three_variants() -> None:
    with pytest.raises(ValueError, match="variant"):
        NirLite(3)
