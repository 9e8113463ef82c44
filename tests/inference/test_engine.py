import ctypes
import subprocess
import sys

import pytest
import torch

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.inference import engine
from darkroom.inference.engine import EngineChoice, choose_device, choose_engine


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with NVIDIA's driver."""
    monkeypatch.setattr(engine, "CUDA_DRIVER", None)  # this program itself, which always loads


@pytest.mark.usefixtures("driver")
def test_refuses_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(EnvironmentProblem, match="no CUDA device"):
        choose_device("cuda")
    with pytest.raises(EnvironmentProblem, match="unknown device"):
        choose_device("tpu")


@pytest.mark.usefixtures("driver")
def test_takes_the_gpu_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cuda"
    assert choose_device("cuda:1") == "cuda:1"
    assert choose_device("cpu") == "cpu"


def test_without_a_driver_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cpu"


def test_engines_follow_the_device() -> None:
    assert choose_engine(EngineChoice(), "cpu") == "openvino"
    assert choose_engine(EngineChoice(engine="torch"), "cpu") == "torch"
    assert choose_engine(EngineChoice(), "cuda:1") == "torch"


def test_torch_stands_in_for_an_openvino_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    assert choose_engine(EngineChoice(), "cpu") == "torch"
    with pytest.raises(EnvironmentProblem, match="not installed"):
        choose_engine(EngineChoice(engine="openvino"), "cpu")


@pytest.mark.parametrize(
    ("choice", "device"),
    [
        (EngineChoice(engine="openvino"), "cuda"),
        (EngineChoice(precision="int8"), "cuda"),
        (EngineChoice(engine="torch", precision="int8"), "cpu"),
    ],
)
def test_what_does_not_go_together_is_refused(choice: EngineChoice, device: str) -> None:
    with pytest.raises(UsageProblem):
        choose_engine(choice, device)


def test_only_a_precision_that_was_asked_for_changes_what_is_done() -> None:
    assert EngineChoice("cuda", "torch").params() == {}
    assert EngineChoice(precision="int8").params() == {"precision": "int8"}


def test_choosing_loads_nothing_that_computes() -> None:
    script = (
        "import sys; from darkroom.inference.engine import *;"
        "choose_engine(AUTO, choose_device('cpu'));"
        "assert not {'torch', 'openvino'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
