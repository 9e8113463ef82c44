"""The engine for CPUs: OpenVINO, in bfloat16 where the processor computes it natively."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
import openvino

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.engine import FloatArray, Precision
from darkroom.inference.graph import Graph

SHARE_OF_TORCH = {"f32": 2 / 3, "bf16": 1 / 2}  # of the memory: measured, and a tenth more
RUNTIME_BYTES = 96 << 20
MEMORY_SIGNS = ("bad_alloc", "allocate")


@dataclass(frozen=True)
class Ready:
    """A graph made ready for one size and precision.

    Attributes:
        request: what runs it.
        shape: of the picture, (H, W, C).
    """

    request: openvino.InferRequest
    shape: tuple[int, int, int]


@dataclass
class Last:
    """What was made ready last, and a picture to write over: there is memory for one."""

    key: tuple[tuple[int, ...], str] | None = None
    ready: Ready | None = None
    picture: FloatArray | None = None

    def clear(self) -> None:
        """Let go of it all."""
        self.key, self.ready, self.picture = None, None, None


@dataclass(frozen=True)
class OpenvinoEngine:
    """A converted network on the CPU, in a precision; `exact` gets the graph before rounding."""

    graph: Graph
    precision: str
    device: str = "cpu"
    name: str = "openvino"
    exact: Callable[[], Graph] | None = field(default=None, repr=False)
    last: Last = field(default_factory=Last, repr=False)

    @property
    def bytes_per_pixel(self) -> int:
        """Activations a packed pixel needs at the network's widest point."""
        share = SHARE_OF_TORCH[type_of(self.precision)]
        return int(self.graph.bytes_per_pixel * share)

    @property
    def runtime_bytes(self) -> int:
        """What the first run takes besides: code made for this processor, reordered weights."""
        return RUNTIME_BYTES + 3 * len(self.graph.weights) // 2

    def exactly(self) -> "OpenvinoEngine":
        """Return the same network in single precision."""
        if self.exact:
            return OpenvinoEngine(self.exact(), "fp32")
        return replace(self, precision="fp32")

    def run(self, planes: FloatArray, noise: FloatArray, *, lasting: bool = True) -> FloatArray:
        """Turn planes (C, h, w) and their noise (8,) into a picture (C', s*h, s*w).

        The picture's memory is interleaved: it is a view of one (s*h, s*w, C').

        Raises:
            FileProblem: the machine has too little memory for these planes.
        """
        _, rows, columns = planes.shape
        aligned = padded(planes, self.graph.multiple_of)[None]
        try:
            picture = self._run(aligned, noise[None], lasting)
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, RuntimeError) and not is_lack_of_memory(error):
                raise
            self.last.clear()
            raise FileProblem(
                FailureCode.OOM_HOST, "there is too little memory", "use a smaller --tile"
            ) from error
        scale = picture.shape[0] // aligned.shape[2]
        return picture[: scale * rows, : scale * columns].transpose(2, 0, 1)

    def _run(self, planes: FloatArray, noise: FloatArray, lasting: bool) -> FloatArray:
        ready = self._ready((planes.shape, self.precision))
        request, picture = ready.request, self.last.picture
        if lasting or picture is None:
            picture = np.empty(ready.shape, np.float32)
        self.last.picture = None if lasting else picture
        request.set_output_tensor(openvino.Tensor(picture[None], shared_memory=True))
        inputs = [planes, noise][: len(request.model_inputs)]
        request.infer(inputs, share_inputs=True, share_outputs=True)
        return picture

    def _ready(self, key: tuple[tuple[int, ...], str]) -> Ready:
        """Return what runs planes of this shape in this precision."""
        if self.last.key != key or self.last.ready is None:
            self.last.clear()  # its memory first
            self.last.ready = made_ready(self.graph, *key)
            self.last.key = key
        return self.last.ready


def made_ready(graph: Graph, shape: tuple[int, ...], precision: str) -> Ready:
    """Compile a graph for planes of a fixed shape: half the time of one for any."""
    model = model_of(graph)
    shapes = [list(shape), [1, 8]]
    model.reshape(dict(zip(model.inputs, shapes, strict=False)))
    rows, columns, channels = list(model.output(0).shape)[1:]
    settings = {
        "INFERENCE_PRECISION_HINT": type_of(precision),
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "ENABLE_CPU_PINNING": "NO",
        **threads(),
    }
    request = core().compile_model(model, "CPU", settings).create_infer_request()
    return Ready(request, (rows, columns, channels))


def model_of(graph: Graph) -> openvino.Model:
    """Return a graph as OpenVINO's model, to compile or to change."""
    weights = openvino.Tensor(np.frombuffer(graph.weights, np.uint8))
    model: openvino.Model = core().read_model(graph.xml, weights)
    return model


def threads() -> dict[str, str]:
    """Return how many threads to use where the user says it, as torch is told."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return {"INFERENCE_NUM_THREADS": asked} if asked.isdecimal() and int(asked) else {}


@lru_cache(maxsize=1)
def core() -> openvino.Core:
    """Return OpenVINO's device manager."""
    return openvino.Core()


def version() -> str:
    """Return which OpenVINO this is."""
    return str(openvino.get_version())


def native_bf16() -> bool:
    """Whether the processor computes bfloat16 itself; emulated, it is slower than float32."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def type_of(precision: str) -> str:
    """Return OpenVINO's name of the type of all that an int8 graph does not say to be int8.

    It is what "auto" would be: emulated, bfloat16 costs more than int8 gains.
    """
    is_half = precision == "bf16" or (precision == "int8" and native_bf16())
    return "bf16" if is_half else "f32"


def make_openvino_engine(
    graph: Graph, *, precision: Precision = "auto", exact: Callable[[], Graph] | None = None
) -> OpenvinoEngine:
    """Return an engine for a graph; "auto" is bf16 where the processor has it, else fp32.

    Args:
        graph: the network.
        precision: what is asked for; a quantised graph is int8 in any case.
        exact: returns the network that a quantised graph was made of.
    """
    if graph.is_quantised:
        return OpenvinoEngine(graph, "int8", exact=exact)
    taken = precision if precision != "auto" else ("bf16" if native_bf16() else "fp32")
    return OpenvinoEngine(graph, taken)


def padded(planes: FloatArray, multiple: int) -> FloatArray:
    """Extend (C, h, w) at the bottom and right until both sizes divide by `multiple`.

    As `networks.padding.pad_to_multiple`: mirrored, or its edge repeated where it is too small.
    """
    _, rows, columns = planes.shape
    bottom, right = -rows % multiple, -columns % multiple
    if not bottom and not right:
        return np.ascontiguousarray(planes)
    border = ((0, 0), (0, bottom), (0, right))
    return np.pad(planes, border, "reflect" if bottom < rows and right < columns else "edge")


def is_lack_of_memory(error: RuntimeError) -> bool:
    """Whether OpenVINO says that it got no memory."""
    return any(sign in str(error) for sign in MEMORY_SIGNS)
