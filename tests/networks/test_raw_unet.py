import numpy as np
import pytest
import torch

from darkroom.inference.tiling import fixed_grid
from darkroom.inference.torch_engine import TorchEngine
from darkroom.networks import TO_MOSAIC, Network
from darkroom.networks.mosaic import as_mosaic
from tests.conftest import run_tiled

SMALL = {"raw-unet": {"width": 2, "levels": 3}, "pmrid": {"width": 4, "blocks": [1, 1, 1, 1]}}
NOISE = torch.full((1, 8), 1e-3)


def lively(name: str) -> Network:
    torch.manual_seed(0)
    return TO_MOSAIC[name](**SMALL[name]).eval()


def test_every_denoiser_has_a_small_form() -> None:
    assert SMALL.keys() == TO_MOSAIC.keys()


@pytest.mark.parametrize("name", TO_MOSAIC)
@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 5)])
def test_gives_the_mosaic_back_in_its_size(name: str, size: tuple[int, int]) -> None:
    network = lively(name)
    assert network.halo % network.multiple_of == 0
    assert network.bytes_per_pixel > 0
    mosaic = network(torch.rand(2, 4, *size), NOISE.expand(2, 8))
    assert mosaic.shape == (2, 1, 2 * size[0], 2 * size[1])
    assert mosaic.dtype == torch.float32


@pytest.mark.parametrize("name", TO_MOSAIC)
def test_nothing_beyond_the_halo_is_seen(name: str) -> None:
    network = lively(name)
    middle = network.halo + 2 * network.multiple_of
    planes = torch.rand(1, 4, 2 * middle, network.multiple_of, requires_grad=True)
    for row in (middle, middle + 1, middle + network.multiple_of - 1):
        (slope,) = torch.autograd.grad(
            network(planes, NOISE)[0, 0, 2 * row : 2 * row + 2].sum(), planes
        )
        seen = slope.abs().sum((0, 1, 3)).nonzero().flatten()
        assert 0 < max(row - int(seen.min()), int(seen.max()) - row) <= network.halo


@pytest.mark.parametrize("name", TO_MOSAIC)
def test_tiles_give_what_the_whole_frame_gives(name: str) -> None:
    network = lively(name)
    halo = network.halo
    engine, size = TorchEngine(network, "cpu", "fp32"), (5 * halo + 21, 37)
    planes = np.random.default_rng(0).random((4, *size), np.float32)
    run = lambda tile: engine.run(tile, NOISE[0].numpy())  # noqa: E731
    grid = fixed_grid(size, core=halo, halo=halo, multiple_of=network.multiple_of)
    assert grid.count > 2
    whole = run(planes)
    assert np.abs(run_tiled(run, planes, grid) - whole).max() < 1e-5 * np.abs(whole).max()


@pytest.mark.parametrize("name", TO_MOSAIC)
def test_half_precision_keeps_fine_steps(name: str) -> None:
    network, planes = lively(name), torch.rand(1, 4, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        mosaic = network(planes, NOISE).detach()
    assert mosaic.dtype == torch.float32
    assert float((mosaic.bfloat16() != mosaic).float().mean()) > 0.9


def test_the_planes_stay_where_they_are() -> None:
    network, planes = lively("raw-unet"), torch.rand(1, 4, 8, 8)
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.zero_()
        network.head.bias.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    flat = torch.tensor([1.0, 2.0, 3.0, 4.0])[None, :, None, None].expand(1, 4, 8, 8)
    assert torch.equal(network(planes, NOISE), as_mosaic(flat))
