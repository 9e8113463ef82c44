"""Engines run a network on arrays; which one a run takes, on which device, in which precision.

Nothing here loads a library that computes: a run finds out what it needs first.
"""

import ctypes
import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, Protocol, Self

import numpy as np
import numpy.typing as npt

from darkroom.errors import EnvironmentProblem, UsageProblem

FloatArray = npt.NDArray[np.float32]
Precision = Literal["auto", "fp32", "bf16", "int8"]

DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("auto", "openvino", "torch")
PRECISIONS = ("auto", "fp32", "bf16", "int8")
CUDA_DRIVER = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"


class Engine(Protocol):
    """A network on a device, in a precision; `run` takes and gives float32 arrays."""

    @property
    def name(self) -> str:
        """Name of the library that computes."""

    @property
    def device(self) -> str:
        """Either cpu or cuda, perhaps with an index."""

    @property
    def precision(self) -> str:
        """What most of the network is computed in."""

    @property
    def bytes_per_pixel(self) -> int:
        """Activations a packed pixel needs at the network's widest point."""

    @property
    def runtime_bytes(self) -> int:
        """What the first run takes besides, whatever the size of the planes."""

    def run(self, planes: FloatArray, noise: FloatArray, *, lasting: bool = True) -> FloatArray:
        """Turn planes (C, h, w) and their noise (8,) into a picture (C', s*h, s*w).

        Args:
            planes: of any size.
            noise: of the planes.
            lasting: whether the picture must outlive the next run; else that may write over it,
                which spares the system to clear memory for each.

        Raises:
            FileProblem: the device or the machine has too little memory for these planes.
            EnvironmentProblem: the device stopped working.
        """

    def exactly(self) -> Self:
        """Return the same network in single precision."""


@dataclass(frozen=True)
class EngineChoice:
    """What the user asks for; every part may be "auto"."""

    device: str = "auto"
    engine: str = "auto"
    precision: Precision = "auto"

    def params(self) -> dict[str, object]:
        """Return what decides how a picture looks: a precision that is asked for by name."""
        return {} if self.precision == "auto" else {"precision": self.precision}


AUTO = EngineChoice()


def choose_device(device: str) -> str:
    """Return "cpu" or "cuda"; "auto" takes a GPU when there is one.

    Raises:
        EnvironmentProblem: a GPU is asked for and there is none; the name is unknown.
    """
    kind = device.split(":", maxsplit=1)[0]
    if kind not in DEVICES:
        raise EnvironmentProblem(f"unknown device {device!r}; use auto, cpu or cuda")
    if kind == "cpu":
        return device
    has_gpu = has_cuda()
    if kind == "cuda" and not has_gpu:
        raise EnvironmentProblem("no CUDA device is usable here; use --device cpu or auto")
    if kind == "auto":
        return "cuda" if has_gpu else "cpu"
    return device


def has_cuda() -> bool:
    """Whether torch can use a GPU; torch is loaded only where the machine has NVIDIA's driver."""
    try:
        ctypes.CDLL(CUDA_DRIVER)
    except OSError:
        return False
    import torch  # noqa: PLC0415 - a second and more to load, for nothing on most machines

    return torch.cuda.is_available()


def choose_engine(choice: EngineChoice, device: str) -> str:
    """Return "torch" or "openvino": OpenVINO on CPUs where it is installed, else torch.

    Args:
        choice: what is asked for.
        device: what `choose_device` made of it.

    Raises:
        UsageProblem: engine, device and precision do not go together.
        EnvironmentProblem: OpenVINO is asked for and not installed.
    """
    on_cpu = device.startswith("cpu")
    installed = find_spec("openvino") is not None
    if choice.engine == "openvino" and not on_cpu:
        raise UsageProblem("OpenVINO runs on CPUs: add --device cpu, or leave --engine out")
    if choice.engine == "openvino" and not installed:
        raise EnvironmentProblem("OpenVINO is not installed: `pip install openvino`")
    taken = choice.engine
    if taken == "auto":
        taken = "openvino" if on_cpu and installed else "torch"
    if choice.precision == "int8" and taken != "openvino":
        raise UsageProblem("int8 needs OpenVINO on a CPU; use --precision auto")
    return taken
