"""Work on a GPU that is recorded once and played back: one launch instead of hundreds.

A frame at a time, a GPU computes faster than Python can tell it what to do. Torch calls such a
recording a CUDA graph. It holds sizes and places in memory, so each needs inputs of one shape.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

Tensors = tuple[Tensor, ...]
Work = Callable[..., Tensors]

WAITING = frozenset(  # what torch does for `if tensor:`, `tensor.item()`, lists as indices and such
    f"aten.{step}"
    for step in (
        "_local_scalar_dense.default",
        "index.Tensor",
        "is_nonzero.default",
        "item.default",
        "lift_fresh.default",
        "nonzero.default",
    )
)
MOST = 2  # recordings kept: a batch seldom mixes cameras, and tiles have one shape


@dataclass(frozen=True, eq=False)
class Recording:
    """Work with the tensors it reads and writes, which stay where they are."""

    graph: torch.cuda.CUDAGraph
    inputs: Tensors
    outputs: Tensors

    def play(self, inputs: Tensors) -> Tensors:
        """Work on these inputs; the next to be played may overwrite what is returned."""
        for place, tensor in zip(self.inputs, inputs, strict=True):
            place.copy_(tensor)
        self.graph.replay()
        return self.outputs


Record = Callable[[Work, Tensors, Recording | None], Recording]


def record(work: Work, inputs: Tensors, other: Recording | None) -> Recording:
    """Record work in the current stream, which must not be the default one.

    It must have been done before with such inputs: libraries set themselves up the first time.

    Args:
        work: what is recorded; it neither waits for the device nor looks at values.
        inputs: what it is given, of the right shapes.
        other: a recording to share memory with, as only one is played at a time.

    Raises:
        RuntimeError: it cannot be recorded.
    """
    graph = torch.cuda.CUDAGraph()
    places = tuple(torch.empty_like(tensor) for tensor in inputs)
    for place, tensor in zip(places, inputs, strict=True):
        place.copy_(tensor)
    stream = torch.cuda.current_stream()
    pool = other.graph.pool() if other else None
    # Other threads go on with their copies meanwhile; by default they would spoil the recording.
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
        outputs = work(*places)
    return Recording(graph, places, outputs)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the steps of torch that are done within its block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.steps: set[str] = set()

    @property
    def waits(self) -> bool:
        """Whether one of them waits for the device, or brings values from Python there."""
        return not self.steps.isdisjoint(WAITING)

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        self.steps.add(str(func))
        return func(*args, **(kwargs or {}))


class Graphs:
    """Does work at once the first time, records it the second time in a row, then plays it.

    So a single file pays for no recording, and shapes that alternate are not recorded in vain. What
    waits for the device is never recorded, and a recording is used only if it gives, bit for bit,
    what is done at once.

    Args:
        record: how work is recorded; None never does.
    """

    def __init__(self, record: Record | None) -> None:
        self._record = record
        self._recordings: OrderedDict[Hashable, Recording] = OrderedDict()
        self._is_fit: dict[Hashable, bool] = {}
        self._last: Hashable = None

    def __call__(self, key: Hashable, work: Work, inputs: Tensors) -> Tensors:
        """Return what `work(*inputs)` returns; the next call may overwrite it.

        Args:
            key: tells works apart, and their inputs' shapes.
            work: as `record` takes it.
            inputs: on the device.
        """
        before, self._last = self._last, key
        if self._record is None:
            return work(*inputs)
        if key not in self._is_fit:
            with Watch() as watch:
                outputs = work(*inputs)
            self._is_fit[key] = not watch.waits
            return outputs
        if key == before and self._is_fit[key] and key not in self._recordings:
            self._is_fit[key] = self._keep(key, self._record, work, inputs)
        if key not in self._recordings:
            return work(*inputs)
        self._recordings.move_to_end(key)
        return self._recordings[key].play(inputs)

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self._recordings)

    def forget(self) -> None:
        """Give the memory of all recordings back; none may be playing."""
        self._recordings.clear()
        self._last = None

    def _keep(self, key: Hashable, record: Record, work: Work, inputs: Tensors) -> bool:
        """Record in place of what was not played for longest; say whether that went well."""
        others = self._recordings.values()
        try:
            recording = record(work, inputs, next(iter(others), None))
            if not same(recording.play(inputs), work(*inputs)):
                return False
        except RuntimeError:  # done at once it may work, or tell what is wrong
            return False
        self._recordings[key] = recording
        if len(self._recordings) > MOST:
            self._recordings.popitem(last=False)
        return True


def same(some: Tensors, others: Tensors) -> bool:
    """Whether all tensors hold the same values."""
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))
