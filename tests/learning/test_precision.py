import pytest
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.config import TrainingSection
from darkroom.learning.precision import autocast, check_precision, is_overflow, make_scaler


def section(precision: str, device: str = "cpu") -> TrainingSection:
    return TrainingSection.model_validate({"steps": 1, "precision": precision, "device": device})


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_convolutions_compute_in_the_precision(precision: str, kind: torch.dtype) -> None:
    training = section(precision)
    check_precision(training)
    with autocast(training):
        assert torch.nn.Conv2d(1, 1, 1)(torch.ones(1, 1, 2, 2)).dtype == kind


def test_half_precision_is_for_gpus() -> None:
    with pytest.raises(UsageProblem, match=r"fp16.*GPU"):
        check_precision(section("fp16"))
    check_precision(section("fp16", "cuda:1"))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_without_half_precision_losses_are_not_scaled(precision: str) -> None:
    scaler = make_scaler(section(precision))
    assert not scaler.is_enabled()
    assert not is_overflow(scaler)
    assert scaler.scale(torch.tensor(3.0)) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_scaler_goes_on_where_it_was() -> None:
    first, second = (make_scaler(section("fp16", "cuda")) for _ in range(2))
    first.scale(torch.ones(1, device="cuda"))
    second.load_state_dict({**first.state_dict(), "scale": 4.0})
    assert second.state_dict()["scale"] == 4
    assert is_overflow(first)
