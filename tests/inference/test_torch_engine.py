import numpy as np
import pytest
import torch

from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem
from darkroom.inference.torch_engine import choose_precision, make_engine
from darkroom.networks.fast_unet import FastUNet

NOISE = np.full(8, 1e-3, np.float32)


def network() -> FastUNet:
    torch.manual_seed(0)
    return FastUNet(width=8, blocks=(1,), bottom=1, detail=8).eval()


def test_runs_arrays() -> None:
    engine = make_engine(network(), device="cpu", precision="fp32")
    picture = engine.run(np.random.default_rng(0).random((4, 12, 20), np.float32), NOISE)
    assert picture.shape == (3, 24, 40)
    assert picture.dtype == np.float32


def test_half_precision_stays_close_and_keeps_fine_steps() -> None:
    planes = np.random.default_rng(0).random((4, 64, 64), np.float32)
    exact = make_engine(network(), device="cpu", precision="fp32").run(planes, NOISE)
    half = make_engine(network(), device="cpu", precision="bf16").run(planes, NOISE)
    assert np.abs(half - exact).max() < 0.02 * np.abs(exact).max()
    assert len(np.unique(half)) > 0.9 * half.size  # a bfloat16 head would leave a few hundred


def test_precision_follows_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_precision("fp32", "cpu") == "fp32"
    for native, precision in ((True, "bf16"), (False, "fp32")):
        capabilities = {"avx512_bf16": native}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda c=capabilities: c, raising=False)
        assert choose_precision("auto", "cpu") == precision


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), FailureCode.OOM_DEVICE),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), FailureCode.OOM_DEVICE),
        (RuntimeError("CUDA error: out of memory"), FailureCode.OOM_DEVICE),
        (RuntimeError("can't allocate memory: you tried"), FailureCode.OOM_HOST),
    ],
)
def test_running_out_of_memory_is_a_problem_of_the_file(
    error: Exception, code: FailureCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    engine = make_engine(network(), device="cpu", precision="fp32")
    monkeypatch.setattr(engine.network, "forward", fail)
    with pytest.raises(FileProblem) as caught:
        engine.run(np.zeros((4, 8, 8), np.float32), NOISE)
    assert caught.value.code == code


def test_a_gpu_that_stopped_working_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nCompile with")

    engine = make_engine(network(), device="cpu", precision="fp32")
    monkeypatch.setattr(engine.network, "forward", fail)
    with pytest.raises(EnvironmentProblem, match=r"access was encountered; what is finished"):
        engine.run(np.zeros((4, 8, 8), np.float32), NOISE)


def test_a_model_too_large_for_its_device_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    large = network()
    monkeypatch.setattr(large, "to", fail)
    with pytest.raises(EnvironmentProblem, match="cuda:1"):
        make_engine(large, device="cuda:1")
