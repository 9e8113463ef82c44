import pytest
import torch
from torch import distributions

from darkroom.networks.unet import UNet
from darkroom.networks.vae_unet import (
    DEVIATION,
    Tone,
    VaeUNet,
    divergence,
    drawn,
    halo,
    penalty_of,
)


def small(*, root: bool = True) -> VaeUNet:
    torch.manual_seed(0)
    return VaeUNet(width=2, levels=3, tone_width=4, latent=4, root=root)


def test_before_training_it_is_its_unet() -> None:
    network, planes = small(root=False).eval(), torch.rand(1, 4, 32, 16)
    torch.testing.assert_close(network(planes), network.unet(planes))


def test_the_unet_starts_from_a_trained_network() -> None:
    network, trained = small(), UNet(width=2, levels=3)
    network.unet.load_state_dict(trained.state_dict())
    planes = torch.rand(1, 4, 16, 16)
    assert torch.equal(network.unet(planes), trained(planes))


def test_the_coarse_picture_changes_the_result_once_it_is_joined() -> None:
    network, planes = small().eval(), torch.rand(1, 4, 32, 16)
    before = network(planes)
    with torch.no_grad():
        network.head.weight[:, 3:] = 0.1
    assert not torch.equal(before, network(planes))


def test_training_draws_and_the_seed_decides_what() -> None:
    network, planes = small().train(), torch.rand(1, 4, 32, 16)
    coarse = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        network(planes)
        assert network.tone is not None
        coarse.append(network.tone.coarse)
    assert torch.equal(coarse[0], coarse[1])
    assert not torch.equal(coarse[0], coarse[2])


def test_what_is_drawn_has_the_mean_and_the_variance_asked_for() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.full((100_000,), 3.0), torch.full((100_000,), -1.0)
    latent = drawn(mean, log_variance)
    assert float(latent.mean()) == pytest.approx(3, abs=0.01)
    assert float(latent.var().log()) == pytest.approx(-1, abs=0.02)


def test_divergence_is_that_from_a_standard_normal() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.randn(2, 4, 3, 3), torch.randn(2, 4, 3, 3)
    normal = distributions.Normal(mean, (log_variance / 2).exp())
    expected = distributions.kl_divergence(normal, distributions.Normal(0.0, 1.0)).sum()
    torch.testing.assert_close(divergence(Tone(mean, log_variance, mean)), expected)


def test_the_penalty_is_error_and_divergence() -> None:
    network, planes = small().train(), torch.rand(2, 4, 32, 16)
    network(planes)
    tone = network.tone
    assert tone is not None
    truth = tone.coarse.detach().clamp(min=0).square()  # of every cell
    truth = truth.repeat_interleave(16, 2).repeat_interleave(16, 3)
    below = tone.coarse.clamp(max=0).square().mean()
    expected = below + 2 * DEVIATION**2 * divergence(tone) / tone.coarse.numel()
    torch.testing.assert_close(network.penalty(truth), expected, rtol=1e-4, atol=1e-6)


def test_the_penalty_falls_as_tone_is_learned() -> None:
    torch.manual_seed(0)
    network = VaeUNet(width=1, levels=1, tone_width=16).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    penalties = []
    for _ in range(100):
        light = torch.rand(16, 3, 1, 1)
        network(0.5 * light[:, [0, 1, 2, 1]].expand(16, 4, 32, 32))
        penalty = penalty_of(network, light.expand(16, 3, 64, 64))
        assert penalty is not None
        optimiser.zero_grad()
        penalty.backward()
        optimiser.step()
        penalties.append(float(penalty.detach()))
    assert sum(penalties[-10:]) / 10 < 0.02  # a picture that ignores its planes has 1/18


@pytest.mark.parametrize("size", [(16, 16), (17, 33), (1, 5)])
def test_the_truth_may_have_any_size(size: tuple[int, int]) -> None:
    network = small().train()
    network(torch.rand(1, 4, *size))
    assert torch.isfinite(network.penalty(torch.rand(1, 3, 2 * size[0], 2 * size[1])))


def test_light_of_any_amount_gives_numbers() -> None:
    network = small().train()
    picture = network(torch.tensor([-1e4, 0.0, 1e4, 1e-9]).reshape(1, 4, 1, 1).expand(1, 4, 16, 16))
    network.penalty(torch.zeros(1, 3, 32, 32)).backward()
    assert torch.isfinite(picture).all()
    grads = [p.grad for p in network.vae.parameters()]
    assert all(grad is not None and torch.isfinite(grad).all() for grad in grads)


def test_a_penalty_needs_a_pass_of_its_own() -> None:
    network, truth = small().train(), torch.rand(1, 3, 32, 32)
    with pytest.raises(RuntimeError, match="forward pass"):
        network.penalty(truth)
    network(torch.rand(1, 4, 16, 16))
    network.penalty(truth)
    with pytest.raises(RuntimeError, match="forward pass"):
        network.penalty(truth)


def test_other_networks_have_no_penalty() -> None:
    assert penalty_of(UNet(width=2), torch.rand(1, 3, 32, 32)) is None


def test_both_parts_fit_into_the_halo() -> None:
    assert VaeUNet(width=2).halo == halo(5) == 112
    assert (small().halo, small().multiple_of) == (112, 16)
    assert VaeUNet(width=2, levels=6).multiple_of == 32
