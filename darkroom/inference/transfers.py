"""Copies between arrays and a GPU that go on beside what it computes.

Each direction has a stream of its own, and so has what is computed. Arrays pass through pinned
memory; torch keeps what was given back and hands it out again for the next array of that size.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Arriving:
    """Tensors on their way to the device."""

    tensors: tuple[Tensor, ...]
    arrival: torch.cuda.Event | None = None

    def here(self) -> tuple[Tensor, ...]:
        """Return them for use in the current stream, which waits for them."""
        if self.arrival is not None:
            stream = torch.cuda.current_stream(self.tensors[0].device)
            stream.wait_event(self.arrival)
            for tensor in self.tensors:
                tensor.record_stream(stream)
        return self.tensors


@dataclass(frozen=True, eq=False)
class Leaving:
    """A tensor on its way from the device."""

    tensor: Tensor
    arrival: torch.cuda.Event | None = None

    def array(self) -> Array:
        """Wait for it; return it as an array that nothing else holds."""
        if self.arrival is not None:
            self.arrival.synchronize()
        result: Array = self.tensor.numpy()
        return result


@dataclass(frozen=True, eq=False)
class Streams:
    """The streams of a GPU."""

    upload: torch.cuda.Stream
    compute: torch.cuda.Stream
    download: torch.cuda.Stream


class Transfers:
    """Takes arrays to a device and back; on a CPU they are copied, or stay where they are.

    Args:
        device: cpu or cuda, perhaps with an index.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.streams: Streams | None = None
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)  # weights arrived in another stream
            self.streams = Streams(stream(self.device), stream(self.device), stream(self.device))

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Let what is computed within the block have its own stream."""
        if self.streams is None:
            yield
            return
        with torch.cuda.stream(self.streams.compute):
            yield

    @torch.inference_mode()
    def upload(self, *arrays: Array) -> Arriving:
        """Start to copy arrays to the device; any thread may do so, and they may change after."""
        staged = [self._staged(array) for array in arrays]
        if self.streams is None:
            return Arriving(tuple(staged))
        with torch.cuda.stream(self.streams.upload):
            tensors = tuple(tensor.to(self.device, non_blocking=True) for tensor in staged)
            return Arriving(tensors, self.streams.upload.record_event())

    @torch.inference_mode()
    def download(self, tensor: Tensor) -> Leaving:
        """Start to copy a tensor that the current stream makes, once it is made.

        The tensor must not be written to any more.
        """
        if self.streams is None:
            return Leaving(tensor)
        self.streams.download.wait_stream(torch.cuda.current_stream(self.device))
        landing = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        with torch.cuda.stream(self.streams.download):
            landing.copy_(tensor, non_blocking=True)
            tensor.record_stream(self.streams.download)
            arrival = event()
            arrival.record(self.streams.download)
        return Leaving(landing, arrival)

    def _staged(self, array: Array) -> Tensor:
        """Return a copy that the device can read by itself."""
        kind = torch.from_numpy(np.empty(0, array.dtype)).dtype
        staged = torch.empty(array.shape, dtype=kind, pin_memory=self.streams is not None)
        np.copyto(staged.numpy(), array)
        return staged


def stream(device: torch.device) -> torch.cuda.Stream:
    """Return a new stream of a GPU."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def event() -> torch.cuda.Event:
    """Return an event; who waits for it leaves its core to others."""
    return torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
