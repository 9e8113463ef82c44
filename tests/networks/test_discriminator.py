import pytest
import torch
from torch import nn

from darkroom.networks.discriminator import UNetDiscriminator


def small() -> UNetDiscriminator:
    torch.manual_seed(0)
    return UNetDiscriminator(width=4, levels=2)


@pytest.mark.parametrize("size", [(16, 16), (4, 12), (32, 20)])
def test_judges_the_picture_and_every_pixel(size: tuple[int, int]) -> None:
    whole, pixels = small()(torch.rand(3, 3, *size))
    assert whole.shape == (3, 1)
    assert pixels.shape == (3, 1, *size)


def test_refuses_sizes_it_cannot_halve() -> None:
    with pytest.raises(ValueError, match="multiples of 4"):
        small()(torch.rand(1, 3, 16, 18))


def test_a_change_in_one_place_changes_the_pixels_there_and_not_everywhere() -> None:
    judge, picture = small().eval(), torch.rand(1, 3, 64, 64)
    changed = picture.clone()
    changed[..., :8, :8] = 1 - changed[..., :8, :8]
    (whole, pixels), (whole_after, pixels_after) = judge(picture), judge(changed)
    difference = (pixels - pixels_after).detach().abs()[0, 0]
    assert float(difference[:8, :8].mean()) > 10 * float(difference[16:, 16:].mean())
    assert float(difference[40:, 40:].max()) == 0  # beyond what a pixel can see
    assert not torch.equal(whole, whole_after)


def test_pictures_are_judged_one_by_one() -> None:
    judge, pictures = small().eval(), torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(judge(pictures)[0][:1], judge(pictures[:1])[0])


def test_the_global_verdict_does_not_grow_with_the_picture() -> None:
    judge = small().eval()
    little, large = (judge(torch.full((1, 3, side, side), 0.7))[0] for side in (64, 256))
    torch.testing.assert_close(little, large, rtol=0.3, atol=0.02)


def test_every_layer_is_bounded_also_while_it_learns() -> None:
    judge = small().train()
    for _ in range(10):
        whole, pixels = judge(torch.rand(2, 3, 16, 16))
        parameters = list(judge.parameters())
        slopes = torch.autograd.grad(whole.mean() + pixels.square().mean(), parameters)
        with torch.no_grad():
            for tensor, slope in zip(parameters, slopes, strict=True):
                tensor.sub_(0.5 * slope)
    for _ in range(20):  # the estimate follows the weights
        judge(torch.rand(1, 3, 4, 4))
    layers = [m for m in judge.eval().modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    matrices = [layer.weight.detach().flatten(1) for layer in layers]
    largest = [float(torch.linalg.matrix_norm(matrix, 2)) for matrix in matrices]
    assert len(largest) == 3 * 5 + 2
    assert max(largest) < 1.05
    assert min(largest) > 0.95


def test_learning_reaches_every_parameter() -> None:
    judge = small().train()
    whole, pixels = judge(torch.rand(2, 3, 16, 16))
    (whole.sum() + pixels.square().sum()).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in judge.parameters())


def test_half_precision_keeps_verdicts_fine() -> None:
    judge, pictures = small().train(), torch.rand(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        whole, pixels = judge(pictures)
    assert whole.dtype == pixels.dtype == torch.float32
    assert float((pixels.bfloat16() != pixels).float().mean()) > 0.9


def test_channels_are_bounded() -> None:
    widths = [block.second.out_channels for block in UNetDiscriminator(width=2, levels=6).encoder]
    assert widths == [2, 4, 8, 16, 32, 32, 32]
