"""The engine for NVIDIA's GPUs: torch, its work recorded and its copies beside the work.

Most of the network runs in bfloat16 with tensors interleaved. What networks compute in single
precision, heads above all, may take TF32 there: it holds bfloat16 features and the half-precision
weights of files exactly, and adds up in single precision. An engine in single precision takes none.

Kernels are those that give the same every time, and are not chosen by trying them out: pictures
must not depend on a frame's place in a batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from darkroom.errors import FileProblem
from darkroom.inference.cast_once import CastOnce
from darkroom.inference.cuda_graphs import Graphs, record
from darkroom.inference.engine import FloatArray, Precision
from darkroom.inference.torch_engine import TorchEngine, make_engine
from darkroom.inference.transfers import Transfers
from darkroom.networks import Network


@dataclass(frozen=True, kw_only=True)
class CudaEngine(TorchEngine):
    """A network on a GPU; on a CPU it does the same without what a GPU is needed for.

    One thread computes; others may use `transfers`.

    Attributes:
        half: runs the network where most of it is in half precision.
        transfers: copies, each way.
        graphs: recordings of the work on whole frames and on tiles.
        too_large: numbers of pixels for which memory ran out when a frame was developed.
    """

    half: CastOnce
    transfers: Transfers
    graphs: Graphs
    too_large: set[int] = field(default_factory=set, compare=False)

    def exactly(self) -> "CudaEngine":
        """Return the same network in single precision."""
        return replace(self, precision="fp32")

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Let torch compute within the block as this engine does."""
        flags = torch.backends.cudnn.flags(
            enabled=True,
            benchmark=False,
            deterministic=True,
            allow_tf32=self.precision != "fp32",
        )
        with torch.inference_mode(), self.transfers.computing(), flags:
            yield

    def run(self, planes: FloatArray, noise: FloatArray, *, lasting: bool = True) -> FloatArray:
        """Do as `TorchEngine.run` does; where memory runs out, give back what there is."""
        try:
            return super().run(planes, noise, lasting=lasting)
        except FileProblem as lack:
            problem = lack
        self.forget()
        raise problem

    def predict(self, planes: Tensor, noise: Tensor) -> Tensor:
        """Run the network on tensors: (1, C, h, w) and (1, 8) give (1, C', s*h, s*w), float32."""
        planes = planes.contiguous(memory_format=torch.channels_last)
        if self.precision == "fp32":
            return self.network(planes, noise).float()  # type: ignore[no-any-return]
        with torch.autocast(self.transfers.device.type, torch.bfloat16):
            return self.half(planes, noise).float()

    def forget(self) -> None:
        """Give back all memory of the GPU that is not in use."""
        if self.transfers.streams:
            torch.cuda.synchronize(self.transfers.device)
        self.graphs.forget()
        if self.transfers.streams:
            torch.cuda.empty_cache()

    def _run(self, planes: FloatArray, noise: FloatArray) -> FloatArray:
        arriving = self.transfers.upload(planes[None], noise[None])
        key = ("picture", planes.shape, self.precision)
        with self.computing():
            (picture,) = self.graphs(key, self._picture, arriving.here())
            leaving = self.transfers.download(picture.clone(memory_format=torch.contiguous_format))
        return leaving.array().transpose(2, 0, 1)

    def _picture(self, planes: Tensor, noise: Tensor) -> tuple[Tensor]:
        return (self.predict(planes, noise)[0].permute(1, 2, 0),)


def make_cuda_engine(network: Network, *, device: str, precision: Precision = "auto") -> CudaEngine:
    """Put a network on a chosen GPU.

    Args:
        network: of which the weights are moved.
        device: as `choose_device` gives it.
        precision: as for `make_engine`.

    Raises:
        EnvironmentProblem: it does not fit there.
    """
    engine = make_engine(network, device=device, precision=precision)
    return CudaEngine(
        network,
        device,
        engine.precision,
        half=CastOnce(network),
        transfers=Transfers(device),
        graphs=Graphs(record if device.startswith("cuda") else None),
    )
