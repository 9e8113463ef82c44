"""The reference engine: torch, on a CPU or a GPU."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import torch

from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem
from darkroom.inference.engine import FloatArray, Precision
from darkroom.networks import Network

RUNTIME_BYTES = 160 << 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class TorchEngine:
    """A network on a device, in a precision."""

    network: Network
    device: str
    precision: str
    name: str = "torch"

    @property
    def bytes_per_pixel(self) -> int:
        """Activations a packed pixel needs at the network's widest point."""
        per_float = self.network.bytes_per_pixel
        return per_float if self.precision == "fp32" else per_float * 2 // 3

    @property
    def runtime_bytes(self) -> int:
        """What torch takes with its first run: kernels, reordered weights."""
        return RUNTIME_BYTES

    def exactly(self) -> "TorchEngine":
        """Return the same network in single precision."""
        return replace(self, precision="fp32")

    def run(self, planes: FloatArray, noise: FloatArray, *, lasting: bool = True) -> FloatArray:
        """Turn planes (4, h, w) and their noise (8,) into a picture (C, 2h, 2w).

        Raises:
            FileProblem: the device or the machine has too little memory for these planes.
            EnvironmentProblem: the GPU stopped working.
        """
        return on_device(partial(self._run, planes, noise))

    @torch.inference_mode()
    def _run(self, planes: FloatArray, noise: FloatArray) -> FloatArray:
        device = self.device.split(":")[0]
        batch = torch.from_numpy(planes)[None].to(self.device)
        batch = batch.contiguous(memory_format=torch.channels_last)
        level = torch.from_numpy(noise)[None].to(self.device)
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16"):
            picture = self.network(batch, level)
        result: FloatArray = picture[0].float().cpu().numpy()
        return result


def on_device(work: Callable[[], Result]) -> Result:
    """Return what `work` returns; say it in the user's words where the device fails.

    Raises:
        FileProblem: the device or the machine has too little memory.
        EnvironmentProblem: the GPU stopped working.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        problem = out_of_memory()
    except RuntimeError as error:
        if "ALLOC_FAILED" in str(error) or "out of memory" in str(error):  # of CUDA's libraries
            raise out_of_memory() from error
        if "CUDA error" in str(error):  # nothing computes on this device any more
            raise EnvironmentProblem(
                f"the GPU stopped working: {str(error).splitlines()[0]}; what is finished"
                " stays, run the same command again"
            ) from error
        if "allocate memory" not in str(error):  # what torch says on a CPU
            raise
        problem = FileProblem(
            FailureCode.OOM_HOST, "there is too little memory", "use a smaller --tile"
        )
    raise problem


def out_of_memory() -> FileProblem:
    """Return the error of a device without memory."""
    return FileProblem(
        FailureCode.OOM_DEVICE, "the device ran out of memory", "use a smaller --tile"
    )


def choose_precision(precision: Precision, device: str) -> str:
    """Return "bf16" where the processor computes it natively, else "fp32".

    On a processor without it, bfloat16 is emulated and slower than float32.
    """
    if precision != "auto":
        return precision
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # new in 2.11
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    return "bf16" if native else "fp32"


def make_engine(network: Network, *, device: str, precision: Precision = "auto") -> TorchEngine:
    """Put a network on a chosen device.

    Raises:
        EnvironmentProblem: it does not fit there.
    """
    try:
        network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except torch.OutOfMemoryError:
        raise EnvironmentProblem(
            f"the model does not fit into the memory of {device}; use --device cpu"
        ) from None
    return TorchEngine(network, device, choose_precision(precision, device))
