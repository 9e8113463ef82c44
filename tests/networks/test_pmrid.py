import pytest
import torch

from darkroom.networks.mosaic import as_mosaic
from darkroom.networks.pmrid import (
    ANCHOR_K,
    ANCHOR_SIGMA2,
    COUNTS,
    PMRID,
    SCALE,
    halo,
    k_sigma,
)


def noise_of(shot: float, read: float) -> torch.Tensor:
    return torch.tensor([[shot] * 4 + [read] * 4])


def test_is_the_published_size() -> None:
    network = PMRID()
    assert sum(tensor.numel() for tensor in network.parameters()) == 1_031_908
    assert network.halo == halo((2, 2, 4, 4)) == 512


def test_the_anchor_is_left_as_it_is() -> None:
    gain, offset = k_sigma(noise_of(ANCHOR_K / COUNTS, ANCHOR_SIGMA2 / COUNTS**2))
    torch.testing.assert_close(gain, torch.full((1, 4, 1, 1), SCALE))
    assert float(offset.abs().max()) < 1e-4


@pytest.mark.parametrize(("shot", "read"), [(1e-4, 1e-7), (0.02, 1e-3), (0.5, 0.3)])
def test_every_noise_becomes_the_anchors(shot: float, read: float) -> None:
    gain, offset = k_sigma(noise_of(shot, read))
    for signal in (0.0, 0.1, 1.0):
        variance = (shot * signal + read) * gain**2
        seen = (signal * gain + offset) / SCALE * COUNTS  # in the anchor's counts
        wanted = (ANCHOR_K * seen + ANCHOR_SIGMA2) * (SCALE / COUNTS) ** 2
        torch.testing.assert_close(variance, wanted, rtol=1e-4, atol=0)


def quiet() -> PMRID:
    """Return a network that finds nothing to remove."""
    network = PMRID(width=4, blocks=(1, 1, 1, 1)).eval()
    with torch.no_grad():
        network.head.weight.zero_()
        assert network.head.bias is not None
        network.head.bias.zero_()
    return network


@pytest.mark.parametrize(
    ("shot", "read"), [(0.0, 0.0), (1e-9, 1e-3), (0.0, 4.0), (1e-3, 1e-6), (3.0, 9.0)]
)
def test_the_transform_is_undone(shot: float, read: float) -> None:
    planes = torch.rand(1, 4, 17, 9) * 3 - 0.5
    with torch.inference_mode():
        mosaic = quiet()(planes, noise_of(shot, read))
    torch.testing.assert_close(mosaic, as_mosaic(planes), atol=1e-3, rtol=1e-4)


def test_amplification_and_white_balance_change_nothing() -> None:
    torch.manual_seed(0)
    network = PMRID(width=4, blocks=(1, 1, 1, 1)).eval()
    planes, gains = torch.rand(1, 4, 16, 16), torch.tensor([2.0, 1.0, 1.5, 1.0])[None]
    shot, read = torch.full((1, 4), 2e-3), torch.full((1, 4), 1e-5)
    with torch.inference_mode():
        plain = network(planes, torch.cat([shot, read], 1))
        louder = network(
            planes * gains[..., None, None], torch.cat([shot * gains, read * gains**2], 1)
        )
    scale = as_mosaic(gains[..., None, None].expand(1, 4, 16, 16))
    torch.testing.assert_close(louder, plain * scale, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("blocks", [(1, 1, 1), (1, 1, 1, 0)])
def test_four_levels_are_needed(blocks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="four numbers"):
        PMRID(width=4, blocks=blocks)
