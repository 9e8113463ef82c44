from dataclasses import replace

import numpy as np
import pytest
import torch

from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem
from darkroom.inference.cuda_engine import CudaEngine, make_cuda_engine
from darkroom.inference.cuda_graphs import Graphs
from darkroom.inference.engine import Precision
from darkroom.inference.guarded import Ladder, TileRules, run_guarded
from darkroom.inference.torch_engine import make_engine
from darkroom.networks.fast_unet import FastUNet
from tests.inference.test_cuda_graphs import Notes

NOISE = np.full(8, 1e-3, np.float32)
PLANES = np.random.default_rng(0).random((4, 37, 50), np.float32)


def network() -> FastUNet:
    torch.manual_seed(0)
    return FastUNet(width=8, blocks=(1,), bottom=1, detail=8).eval().requires_grad_(False)


def engine(precision: Precision = "fp32", device: str = "cpu") -> CudaEngine:
    return make_cuda_engine(network(), device=device, precision=precision)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_pictures_are_those_of_the_reference_engine(precision: Precision) -> None:
    one, other = engine(precision), make_engine(network(), device="cpu", precision=precision)
    for _ in range(3):
        picture = one.run(PLANES, NOISE)
        assert np.array_equal(picture, other.run(PLANES, NOISE))
        assert picture.transpose(1, 2, 0).flags.c_contiguous


def test_each_picture_is_a_new_array() -> None:
    one = engine()
    first = one.run(PLANES, NOISE)
    kept = first.copy()
    one.run(PLANES / 2, NOISE)
    assert np.array_equal(first, kept)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_networks_can_be_recorded(precision: Precision) -> None:
    one = replace(engine(precision), graphs=Graphs(Notes()))
    reference = engine(precision)
    for brightness in range(1, 5):
        planes = PLANES / np.float32(brightness)
        assert np.array_equal(one.run(planes, NOISE), reference.run(planes, NOISE))
    assert len(one.graphs) == 1


def test_single_precision_is_the_same_network() -> None:
    exact = engine("bf16").exactly()
    assert exact.precision == "fp32"
    assert np.array_equal(exact.run(PLANES, NOISE), engine().run(PLANES, NOISE))


def test_single_precision_takes_no_shortened_numbers() -> None:
    before = torch.backends.cudnn.allow_tf32
    for precision, allowed in (("fp32", False), ("bf16", True)):
        with engine(precision).computing():
            assert torch.backends.cudnn.allow_tf32 is allowed
            assert torch.backends.cudnn.deterministic
            assert not torch.backends.cudnn.benchmark
            assert torch.is_inference_mode_enabled()
    assert torch.backends.cudnn.allow_tf32 is before


def test_memory_that_runs_out_leads_to_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    one, planes = engine(), np.random.default_rng(1).random((4, 120, 150), np.float32)
    whole = one.run(planes, NOISE)
    forgotten = []
    monkeypatch.setattr(one.graphs, "forget", lambda: forgotten.append(True))

    def short_of_memory(planes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        if planes.shape[-2] * planes.shape[-1] > 12_000:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return FastUNet.forward(one.network, planes, noise)

    monkeypatch.setattr(one.network, "forward", short_of_memory)
    rules = TileRules(one.network.halo, one.network.multiple_of)
    computed = run_guarded(one, planes, NOISE, rules, Ladder())
    assert computed.grid.count > 1
    assert "memory ran out" in computed.warnings[0]
    assert forgotten
    np.testing.assert_allclose(computed.picture, whole, atol=1e-4)


@pytest.mark.parametrize(
    ("message", "kind"),
    [("CUDA error: out of memory", FileProblem), ("CUDA error: unknown", EnvironmentProblem)],
)
def test_a_gpu_that_fails_is_told_as_by_the_reference_engine(
    message: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(message)

    one = engine()
    monkeypatch.setattr(one.network, "forward", fail)
    with pytest.raises(kind):
        one.run(PLANES, NOISE)


@pytest.mark.gpu
def test_a_gpu_gives_the_picture_of_the_cpu(cuda: str) -> None:
    exact, half = engine("fp32", cuda), engine("bf16", cuda)
    expected = engine().run(PLANES, NOISE)
    for _ in range(4):  # done at once, recorded, played
        np.testing.assert_allclose(exact.run(PLANES, NOISE), expected, atol=1e-4)
        close = 0.02 * np.abs(expected).max()
        np.testing.assert_allclose(half.run(PLANES, NOISE), expected, atol=close)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_recording_gives_what_was_done_at_once(precision: Precision, cuda: str) -> None:
    one = engine(precision, cuda)
    first, *others = (one.run(PLANES, NOISE) for _ in range(4))
    assert all(np.array_equal(first, other) for other in others)
    assert len(one.graphs) == 1


@pytest.mark.gpu
def test_a_gpu_that_is_full_is_a_problem_of_the_file(cuda: str) -> None:
    one = engine("fp32", cuda)
    one.run(PLANES, NOISE)
    torch.cuda.set_per_process_memory_fraction(1e-4)
    try:
        with pytest.raises(FileProblem) as caught:
            one.run(np.zeros((4, 2048, 2048), np.float32), NOISE)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert caught.value.code is FailureCode.OOM_DEVICE
    assert one.run(PLANES, NOISE).shape == (3, 74, 100)
