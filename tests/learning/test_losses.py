import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from darkroom.learning import losses
from darkroom.learning.losses import (
    LOSSES,
    charbonnier,
    display,
    l1,
    loss_of,
    ms_ssim,
    ms_ssim_mix,
    view_of,
)
from darkroom.measure.colour_difference import delta_e_76, srgb_to_lab
from darkroom.measure.ms_ssim import ms_ssim as measured
from darkroom.measure.ms_ssim import score_on_scales, weights_for
from darkroom.picture.tone import srgb_encode

SAME = torch.eye(3)[None]
SPACES = ("camera-linear", "srgb")


def pictures(*size: int, noise: float = 0.05) -> tuple[Tensor, Tensor]:
    """A smooth picture (1, 3, H, W) and a noisy one."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 5, 5, generator=generator)
    truth = F.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
    grain = noise * torch.randn(1, 3, *size, generator=generator)
    return truth, (truth + grain).clamp(0, 1)


def test_display_is_the_srgb_curve_within_gamut() -> None:
    linear = torch.linspace(0, 1, 301).reshape(1, 1, 1, -1).expand(1, 3, 1, -1)
    expected = torch.from_numpy(srgb_encode(linear[0, 0, 0].numpy()))
    assert torch.allclose(display(linear, SAME)[0, 1, 0], expected.float(), atol=2e-4)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", LOSSES)
def test_equal_pictures_cost_nothing_and_others_something(name: str, space: str) -> None:
    loss, (linear, _) = loss_of(name, space), pictures(64, 64)
    truth, matrices = linear.expand(2, -1, -1, -1), SAME.expand(2, 3, 3)
    equal = truth if space == "camera-linear" else display(truth, matrices).clamp(0, 1)
    least = 1e-3 if "charbonnier" in name or "lab" in name else 0  # they round the corner
    assert float(loss(equal, truth, matrices)) == pytest.approx(least, abs=1e-6)
    assert float(loss(equal + 0.1, truth, matrices)) > least + 1e-3


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [-0.5, 0.0, 1e-6, 2.0, 8.0])
def test_every_value_can_still_learn(name: str, space: str, value: float) -> None:
    result = torch.full((1, 3, 64, 64), value, requires_grad=True)
    loss_of(name, space)(result, torch.full((1, 3, 64, 64), 0.3), SAME).backward()
    assert result.grad is not None
    assert torch.isfinite(result.grad).all()
    assert result.grad.abs().min() > 0


def test_colours_are_compared_on_the_display() -> None:
    swap = torch.eye(3)[[1, 0, 2]][None]
    linear = torch.rand(1, 3, 4, 4)
    assert torch.equal(display(linear, swap), display(linear, SAME)[:, [1, 0, 2]])


@pytest.mark.parametrize("name", ["l1", "l2", "charbonnier"])
def test_losses_in_linear_light_do_not_look_at_the_display(name: str) -> None:
    truth, result = pictures(16, 16)
    there = LOSSES[name](result, truth, SAME)
    assert torch.equal(there, LOSSES[name](result, truth, torch.rand(1, 3, 3)))
    assert not torch.allclose(there, loss_of(f"{name}-display", SPACES[0])(result, truth, SAME))


def test_known_values() -> None:
    truth, result = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    plain = (name for name in LOSSES if "mix" not in name)
    values = {name: float(LOSSES[name](result, truth, SAME)) for name in plain}
    shown = float(srgb_encode(np.array(0.5)))
    assert values == pytest.approx(
        {
            "l1": 0.5,
            "l2": 0.25,
            "charbonnier": (0.25 + 1e-6) ** 0.5,
            "l1-display": shown,
            "l2-display": shown**2,
            "charbonnier-display": (shown**2 + 1e-6) ** 0.5,
        },
        abs=1e-4,
    )


def test_the_distance_in_lab_is_that_of_the_metric() -> None:
    truth, result = (p.clamp(0, 1) for p in pictures(8, 8))
    colours = (srgb_to_lab(p[0].permute(1, 2, 0).numpy()) for p in (truth, result))
    expected = delta_e_76(*colours)
    assert float(losses.cie76(result, truth)) * 100 == pytest.approx(expected.mean(), rel=1e-3)


def test_charbonnier_is_a_smooth_l1() -> None:
    small = torch.full((1, 3, 4, 4), 1e-5, requires_grad=True)
    charbonnier(small, torch.zeros_like(small)).backward()
    assert small.grad is not None
    assert float(small.grad.sum()) == pytest.approx(0.01, rel=0.01)
    far, near = torch.full((1, 3, 4, 4), 0.7), torch.zeros(1, 3, 4, 4)
    assert float(charbonnier(far, near)) == pytest.approx(float(l1(far, near)), abs=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_an_srgb_result_is_compared_with_the_finished_truth(name: str) -> None:
    linear = 3 * pictures(64, 64)[0] - 1  # beyond black and white
    finished = display(linear, SAME).clamp(0, 1)
    result = finished + 0.05
    compare = losses.COMPARISONS[name][0]
    there = loss_of(name, "srgb")(result, linear, SAME)
    assert torch.equal(there, compare(result, finished))
    assert torch.equal(
        loss_of(name, "camera-linear")(result, linear, SAME), LOSSES[name](result, linear, SAME)
    )


def test_the_adversary_sees_both_pictures_on_the_display() -> None:
    truth, result = pictures(8, 8)
    fake, real = view_of("camera-linear")(result, 3 * truth, SAME)
    assert torch.equal(fake, display(result, SAME))
    assert torch.equal(real, display(3 * truth, SAME))
    fake, real = view_of("srgb")(result, 3 * truth, SAME)
    assert fake is result
    assert float(real.max()) == 1


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_is_the_mean_of_its_pictures(name: str) -> None:
    truth, result = (torch.cat([p, p.flip(3) * 0.5, p * 0.1]) for p in pictures(32, 48))
    matrices = (SAME + 0.05 * torch.rand(3, 3, 3)) / 1.1
    compare, view = losses.COMPARISONS[name]
    together = compare(*view(result, truth, matrices))
    assert float(LOSSES[name](result, truth, matrices)) == pytest.approx(float(together), rel=1e-5)


@pytest.mark.parametrize("size", [(176, 176), (181, 230), (256, 256)])
@pytest.mark.parametrize("noise", [0.003, 0.05, 0.3])
def test_the_similarity_it_learns_is_the_metric(size: tuple[int, int], noise: float) -> None:
    truth, result = pictures(*size, noise=noise)
    arrays = [p[0].permute(1, 2, 0).numpy() for p in (truth, result)]
    assert float(ms_ssim(result, truth).mean()) == pytest.approx(measured(*arrays), abs=1e-5)


@pytest.mark.parametrize("size", [(11, 30), (33, 22), (64, 64), (96, 127)])
def test_small_pictures_have_fewer_scales(size: tuple[int, int]) -> None:
    truth, result = pictures(*size)
    arrays = [p[0].permute(1, 2, 0).numpy() for p in (truth, result)]
    expected = score_on_scales(*arrays, weights_for(min(size)))
    assert float(ms_ssim(result, truth).mean()) == pytest.approx(expected, abs=1e-5)


def test_the_mix_holds_both_parts() -> None:
    truth, _ = pictures(64, 64)
    similarity = float(ms_ssim(truth + 0.1, truth).mean())
    expected = 0.84 * (1 - similarity) + 0.16 * 0.1  # an even error weighs the same everywhere
    assert float(ms_ssim_mix(truth + 0.1, truth)) == pytest.approx(expected, abs=1e-5)


def test_the_mix_looks_at_the_middle_more_than_at_the_border() -> None:
    truth = torch.full((1, 3, 64, 64), 0.5)
    costs = []
    for place in (2, 32):
        result = truth.clone()
        result[..., place, place] = 0.9
        costs.append(float(ms_ssim_mix(result, truth)))
    assert costs[0] < costs[1]


def test_opposed_pictures_learn_from_the_l1_alone() -> None:
    truth, _ = pictures(64, 64)
    result = (1 - truth).requires_grad_()
    assert float(ms_ssim(result, truth).detach().max()) == 0
    ms_ssim_mix(result, truth).backward()
    assert result.grad is not None
    assert torch.isfinite(result.grad).all()
    towards = torch.sign(result.detach() - truth)
    assert torch.equal(torch.sign(result.grad), towards)


def test_a_noisy_picture_learns_its_truth() -> None:
    truth, noisy = pictures(64, 64, noise=0.2)
    result = noisy.clone().requires_grad_()
    learner, costs = torch.optim.Adam([result], lr=0.02), []
    for _ in range(25):
        learner.zero_grad()
        cost = ms_ssim_mix(result, truth)
        cost.backward()
        learner.step()
        costs.append(float(cost.detach()))
    assert costs[-1] < 0.3 * costs[0]


def test_a_picture_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="11 x 11"):
        ms_ssim_mix(torch.zeros(1, 3, 10, 64), torch.zeros(1, 3, 10, 64))
