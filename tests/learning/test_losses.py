import pytest
import torch

from darkroom.learning.losses import LOSSES, display
from darkroom.picture.tone import srgb_encode

SAME = torch.eye(3)[None]


def test_display_is_the_srgb_curve_within_gamut() -> None:
    linear = torch.linspace(0, 1, 301).reshape(1, 1, 1, -1).expand(1, 3, 1, -1)
    expected = torch.from_numpy(srgb_encode(linear[0, 0, 0].numpy()))
    assert torch.allclose(display(linear, SAME)[0, 1, 0], expected.float(), atol=2e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_equal_pictures_cost_nothing_and_others_something(name: str) -> None:
    truth = torch.rand(2, 3, 8, 8)
    matrices = SAME.expand(2, 3, 3)
    assert float(LOSSES[name](truth, truth, matrices)) == 0
    assert float(LOSSES[name](truth + 0.1, truth, matrices)) > 1e-3


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("value", [-0.5, 0.0, 1e-6, 2.0, 8.0])
def test_every_value_can_still_learn(name: str, value: float) -> None:
    result = torch.full((1, 3, 2, 2), value, requires_grad=True)
    LOSSES[name](result, torch.full((1, 3, 2, 2), 0.3), SAME).backward()
    assert result.grad is not None
    assert torch.isfinite(result.grad).all()
    assert result.grad.abs().min() > 0


def test_colours_are_compared_on_the_display() -> None:
    swap = torch.eye(3)[[1, 0, 2]][None]
    linear = torch.rand(1, 3, 4, 4)
    assert torch.equal(display(linear, swap), display(linear, SAME)[:, [1, 0, 2]])
