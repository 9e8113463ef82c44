import numpy as np
import pytest
import torch

from darkroom.inference.tiling import fixed_grid
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks.nir_cnn import NirCNN
from tests.conftest import run_tiled

NOISE = np.zeros(8, np.float32)


def seasoned(width: int = 4) -> NirCNN:
    """Build a network whose normalisation has seen pictures."""
    torch.manual_seed(0)
    network = NirCNN(width).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 1, 32, 32))
    return network.eval()


def test_has_the_size_of_the_published_one() -> None:
    count = sum(tensor.numel() for tensor in NirCNN().parameters())
    assert count == pytest.approx(2_377_331, rel=0.02)


def test_nothing_beyond_the_halo_is_seen() -> None:
    network = seasoned()
    with torch.no_grad():  # nothing cancels, no ReLU is shut
        for tensor in network.parameters():
            tensor.abs_()
    nir, reaches = torch.rand(1, 1, 160, 4, requires_grad=True), []
    for row in range(80, 84):
        (slope,) = torch.autograd.grad(network(nir)[0, :, row].sum(), nir)
        seen = slope.abs().sum((0, 1, 3)).nonzero().flatten()
        reaches.append(max(row - int(seen.min()), int(seen.max()) - row))
    assert network.halo - 8 <= max(reaches) <= network.halo


def test_tiles_give_what_the_whole_picture_gives() -> None:
    network, nir = seasoned(), np.random.default_rng(0).random((1, 200, 61), np.float32)
    engine = TorchEngine(network, "cpu", "fp32")
    run = lambda tile: engine.run(tile, NOISE)  # noqa: E731
    grid = fixed_grid((200, 61), core=36, halo=network.halo, multiple_of=network.multiple_of)
    assert grid.count > 2
    assert np.abs(run_tiled(run, nir, grid) - run(nir)).max() < 1e-6
