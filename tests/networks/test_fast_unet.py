import pytest
import torch

from darkroom.networks.fast_unet import BRIGHTEST, FastUNet, stabilise


def small() -> FastUNet:
    torch.manual_seed(0)
    return FastUNet(width=4, blocks=(1, 1), bottom=1, detail=4).eval()


def noise_of(shot: float, read: float) -> torch.Tensor:
    return torch.tensor([[shot] * 4 + [read] * 4])


@pytest.mark.parametrize("size", [(8, 8), (9, 21), (1, 3), (24, 16)])
def test_takes_any_size(size: tuple[int, int]) -> None:
    picture = small()(torch.rand(2, 4, *size), noise_of(0.01, 1e-4).expand(2, 8))
    assert picture.shape == (2, 3, 2 * size[0], 2 * size[1])


@pytest.mark.parametrize("signal", [0.05, 0.2, 0.9])
@pytest.mark.parametrize(("shot", "read"), [(0.02, 2e-4), (0.002, 1e-5), (0.03, 0.004)])
def test_stabilised_noise_has_the_promised_deviation(
    signal: float, shot: float, read: float
) -> None:
    generator = torch.Generator().manual_seed(1)
    electrons = torch.poisson(torch.full((1, 4, 200, 200), signal / shot), generator)
    noisy = electrons * shot + read**0.5 * torch.randn(electrons.shape, generator=generator)
    stable, level = stabilise(noisy, noise_of(shot, read))
    deviation = level[0, 0]
    assert float(deviation) == pytest.approx(shot**0.5 / 2)
    assert float(stable.std()) == pytest.approx(float(deviation), rel=0.12)


def test_black_stays_at_zero_and_bright_light_is_finite() -> None:
    planes = torch.tensor([0.0, -50.0, 1e9]).reshape(1, 1, 1, 3).expand(1, 4, 1, 3)
    stable, _ = stabilise(planes, noise_of(0.01, 1e-4))
    assert float(stable[0, 0, 0, 0]) == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(stable).all()
    assert float(stable.max()) <= BRIGHTEST**0.5


@pytest.mark.parametrize(("shot", "read"), [(0.0, 0.0), (0.0, 0.5), (5.0, 5.0)])
def test_any_noise_level_gives_numbers(shot: float, read: float) -> None:
    picture = small()(torch.rand(1, 4, 8, 8), noise_of(shot, read))
    assert torch.isfinite(picture).all()


def test_nothing_beyond_the_halo_is_seen() -> None:
    network = small()
    planes = torch.rand(1, 4, 128, 16, requires_grad=True)
    row = 64
    network(planes, noise_of(0.01, 1e-4))[0, :, 2 * row].sum().backward()
    assert planes.grad is not None
    seen = planes.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert 0 < max(row - int(seen.min()), int(seen.max()) - row) <= network.halo


def test_noise_level_changes_the_picture() -> None:
    network, planes = small(), torch.rand(1, 4, 8, 8)
    quiet, loud = network(planes, noise_of(1e-5, 1e-8)), network(planes, noise_of(0.1, 1e-2))
    assert float((quiet - loud).detach().abs().max()) > 1e-4


def test_the_gate_on_noisy_pixels_follows_the_noise() -> None:
    network, planes = small(), torch.rand(1, 4, 8, 8)
    quiet, loud = noise_of(1e-5, 1e-8), noise_of(0.1, 1e-2)
    before = [network(planes, noise) for noise in (quiet, loud)]
    with torch.no_grad():
        network.detail_gate.weight[:, 8:12] = -20.0  # closes as the deviation grows
    after = [network(planes, noise) for noise in (quiet, loud)]
    changes = [float((a - b).detach().abs().max()) for a, b in zip(before, after, strict=True)]
    assert min(changes) > 0
    levels = [stabilise(planes, noise)[1] for noise in (quiet, loud)]
    gates = [torch.sigmoid(network.detail_gate(level)).detach() for level in levels]
    assert float(gates[0].min()) > 0.99
    assert float(gates[1].max()) < 0.01


def test_what_is_told_of_the_noise_changes_nothing_before_training() -> None:
    network, planes = small(), torch.rand(1, 4, 8, 8)
    told = [*network.told, network.detail_gate]
    assert all(float(layer.weight.detach().abs().max()) == 0 for layer in told)
    before = network(planes, noise_of(0.01, 1e-4))
    with torch.no_grad():
        for layer in network.told:
            layer.bias.fill_(0.5)
    assert float((network(planes, noise_of(0.01, 1e-4)) - before).detach().abs().max()) > 1e-5


def test_small_noise_is_told_as_a_number_of_ordinary_size() -> None:
    for shot in (1e-8, 1e-4, 1.0):
        _, level = stabilise(torch.zeros(1, 4, 2, 2), noise_of(shot, shot))
        assert float(level.abs().max()) < 5
