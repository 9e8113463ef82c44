from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from darkroom.inference.tiling import fixed_grid
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks import FROM_MOSAIC, Network
from darkroom.networks.vae_unet import penalty_of
from darkroom.zoo.weights import build_network, load_weights
from tests.conftest import SMALL, run_tiled, small_weights

NOISE = torch.full((1, 8), 1e-3)


def lively(name: str) -> Network:
    """Build a small network in which nothing starts at zero, so that every path counts."""
    torch.manual_seed(0)
    network = FROM_MOSAIC[name](**SMALL[name]).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
    return network


def reach_of(network: Network, planes: Tensor, row: int) -> int:
    """Return how many rows away from `row` the planes still count for the picture there."""
    (slope,) = torch.autograd.grad(
        network(planes, NOISE)[0, :, 2 * row : 2 * row + 2].sum(), planes
    )
    seen = slope.abs().sum((0, 1, 3)).nonzero().flatten()
    return max(row - int(seen.min()), int(seen.max()) - row)


def test_every_network_has_a_small_form() -> None:
    assert SMALL.keys() == FROM_MOSAIC.keys()


@pytest.mark.parametrize("name", FROM_MOSAIC)
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 5), (40, 24)])
def test_keeps_the_contract(name: str, size: tuple[int, int]) -> None:
    network = FROM_MOSAIC[name](**SMALL[name]).eval()
    assert network.halo % network.multiple_of == 0
    assert network.bytes_per_pixel > 0
    picture = network(torch.rand(2, 4, *size), NOISE.expand(2, 8))
    assert picture.shape == (2, 3, 2 * size[0], 2 * size[1])
    assert picture.dtype == torch.float32


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_nothing_beyond_the_halo_is_seen(name: str) -> None:
    network = lively(name)
    middle = network.halo + 2 * network.multiple_of
    planes = torch.rand(1, 4, 2 * middle, network.multiple_of, requires_grad=True)
    phases = {0, 1, network.multiple_of // 2, network.multiple_of - 1}
    reaches = [reach_of(network, planes, middle + phase) for phase in phases]
    assert 0 < max(reaches) <= network.halo


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_tiles_give_what_the_whole_frame_gives(name: str) -> None:
    network = lively(name)
    halo, multiple = network.halo, network.multiple_of
    size = (5 * halo + 21, 37)
    engine = TorchEngine(network, "cpu", "fp32")
    planes = np.random.default_rng(0).random((4, *size), np.float32)
    run = lambda tile: engine.run(tile, NOISE[0].numpy())  # noqa: E731
    grid = fixed_grid(size, core=halo, halo=halo, multiple_of=multiple)
    assert grid.count > 2
    whole = run(planes)
    assert np.abs(run_tiled(run, planes, grid) - whole).max() < 1e-6 * np.abs(whole).max()


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_learning_reaches_every_parameter(name: str) -> None:
    network = lively(name).train()
    picture = network(torch.rand(2, 4, 32, 32), NOISE.expand(2, 8))
    loss, penalty = picture.square().mean(), penalty_of(network, torch.rand(2, 3, 64, 64))
    (loss if penalty is None else loss + penalty).backward()
    unreached = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert unreached == []


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_outside_training_the_same_planes_give_the_same_picture(name: str) -> None:
    network, planes = lively(name), torch.rand(1, 4, 32, 32)
    assert torch.equal(network(planes, NOISE), network(planes, NOISE))


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_half_precision_keeps_fine_steps(name: str) -> None:
    network, planes = lively(name), torch.rand(1, 4, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        picture = network(planes, NOISE).detach()
    assert picture.dtype == torch.float32
    assert float((picture.bfloat16() != picture).float().mean()) > 0.9


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_comes_back_from_its_weights_file(name: str, tmp_path: Path) -> None:
    weights = load_weights(small_weights(tmp_path, name))
    planes = torch.rand(1, 4, 16, 16)
    torch.manual_seed(0)
    first, again = (build_network(weights, device="cpu")(planes, NOISE) for _ in range(2))
    assert float(first.max()) > 0
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", [name for name in FROM_MOSAIC if name != "fast-unet"])
def test_a_root_is_squared_with_its_sign(name: str) -> None:
    config = {key: value for key, value in SMALL[name].items() if key != "root"}
    plain, squared = (FROM_MOSAIC[name](**config, root=root).eval() for root in (False, True))
    squared.load_state_dict(plain.state_dict())
    planes = torch.rand(1, 4, 16, 16)
    root, linear = plain(planes), squared(planes)
    assert float(root.detach().min()) < 0
    torch.testing.assert_close(linear, root * root.abs())


@pytest.mark.parametrize("name", [name for name in FROM_MOSAIC if name != "fast-unet"])
@pytest.mark.parametrize("levels", [0, 8, 1024])
def test_levels_are_bounded(name: str, levels: int) -> None:
    with pytest.raises(ValueError, match="levels must be 1 to 7"):
        FROM_MOSAIC[name](width=2, levels=levels)


@pytest.mark.parametrize("name", [name for name in FROM_MOSAIC if name != "fast-unet"])
def test_one_level_is_enough(name: str) -> None:
    network = FROM_MOSAIC[name](width=2, levels=1).eval()
    assert network(torch.rand(1, 4, 5, 7)).shape == (1, 3, 10, 14)
