"""Let the convolutions of a graph compute in int8, without training it again.

Before each convolution its input and its weights are rounded to 8 bits, as the nodes of OpenVINO
called FakeQuantize say it; the CPU plugin makes int8 kernels of them. The ranges of the inputs
are looked up on samples (Jacob et al. 2018, "Quantization and Training of Neural Networks for
Efficient Integer-Arithmetic-Only Inference"); weights have a range for each output channel
(Krishnamoorthi 2018, "Quantizing deep convolutional networks for efficient inference").

Two kinds of convolutions stay as they are: those that make the picture, marked as precise or not,
and those that see the planes themselves, whose faint differences 256 steps cannot tell apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13

from darkroom.errors import UsageProblem
from darkroom.inference.ending import last_convolution
from darkroom.inference.engine import FloatArray
from darkroom.inference.graph import Graph
from darkroom.inference.intermediate import marked_layers, with_marks, written
from darkroom.inference.openvino_engine import core, model_of, padded

QUANTISABLE = ("Convolution", "ConvolutionBackpropData")
INPUT_LEVELS, WEIGHT_LEVELS = 256, 255  # of weights as many above zero as below
KEPT = 99.99  # per cent of a sample's numbers that must not be cut off
LEAST = 1e-6  # range of an input that is always zero
OUTPUT_AXIS = {"Convolution": 0, "ConvolutionBackpropData": 1}  # of the weights

Sample = tuple[FloatArray, FloatArray]  # planes (C, h, w) and their noise (8,)
Place = tuple[str, int]  # a node's name and which of its outputs


@dataclass(frozen=True)
class Range:
    """The numbers that an input has: up to `limit`, and down to its negative if it is signed."""

    limit: float = LEAST
    is_signed: bool = False

    def ends(self) -> tuple[np.float32, np.float32]:
        """Return the lowest and the highest level; 0 is one of them, as it is of int8 and uint8."""
        lowest = -self.limit * 128 / 127 if self.is_signed else 0.0
        return np.float32(lowest), np.float32(self.limit)

    def widened(self, other: "Range") -> "Range":
        """Return the range of what is in either."""
        return Range(max(self.limit, other.limit), self.is_signed or other.is_signed)


def quantised(graph: Graph, samples: Iterable[Sample]) -> Graph:
    """Return a graph whose convolutions compute in int8.

    Args:
        graph: a converted network.
        samples: planes (C, h, w) and noise (8,), as the network may be given them.

    Raises:
        UsageProblem: there is nothing in it that int8 would make faster.
    """
    model, exact = model_of(graph), marked_layers(graph.xml)
    convolutions = quantisable(model, exact)
    if not convolutions:
        raise UsageProblem("this model has nothing to compute in int8; use --precision auto")
    sources = {place_of(node.input_value(0)): node.input_value(0) for node in convolutions}
    ranges = ranges_of(model, sources, samples, graph.multiple_of)
    inputs = {
        place: rounded(source, ranges[place].ends(), INPUT_LEVELS)
        for place, source in sources.items()
    }
    for node in convolutions:
        node.input(0).replace_source_output(inputs[place_of(node.input_value(0))])
        node.input(1).replace_source_output(rounded_weights(node))
    xml, weights = written(model)
    return replace(graph, xml=with_marks(xml, exact), weights=weights, is_quantised=True)


def quantisable(model: openvino.Model, exact: set[str]) -> list[openvino.Node]:
    """Return the convolutions to round, in the order in which they compute."""
    last = last_convolution(model.output(0))
    kept = exact | seen_first(model) | ({last.get_friendly_name()} if last else set())
    return [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() in QUANTISABLE
        and node.get_friendly_name() not in kept
        and node.input_value(1).get_node().get_type_name() == "Constant"
    ]


def seen_first(model: openvino.Model) -> set[str]:
    """Return the names of the layers that see the planes themselves, not only features of them."""
    left, found = [model.get_parameters()[0]], set[str]()
    while left:
        for output in left.pop().outputs():
            for reader in output.get_target_inputs():
                node = reader.get_node()
                if node.get_friendly_name() in found or node.get_type_name() == "ShapeOf":
                    continue
                found.add(node.get_friendly_name())
                if "Convolution" not in node.get_type_name():
                    left.append(node)
    return found


def ranges_of(
    model: openvino.Model,
    sources: Mapping[Place, openvino.Output],
    samples: Iterable[Sample],
    multiple: int,
) -> dict[Place, Range]:
    """Return the range of each of these outputs of nodes, the widest of all samples."""
    results = [opset13.result(source) for source in sources.values()]
    probe = openvino.Model(results, model.get_parameters(), "probe")
    compute = core().compile_model(probe, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ranges = dict.fromkeys(sources, Range())
    for planes, noise in samples:
        inputs = [padded(planes, multiple)[None], noise[None]][: len(model.inputs)]
        values = compute(inputs).values()
        for place, value in zip(sources, values, strict=True):
            ranges[place] = ranges[place].widened(range_of(value))
    return ranges


def range_of(values: FloatArray) -> Range:
    """Return the range that leaves out the very largest numbers.

    Many numbers are 0, those that a ReLU stopped; they say nothing and do not count.
    """
    sizes = np.abs(values[values != 0])
    limit = float(np.percentile(sizes, KEPT)) if sizes.size else LEAST
    return Range(max(limit, LEAST), bool(values.min() < 0))


def place_of(output: openvino.Output) -> Place:
    """Return what tells an output from others."""
    return output.get_node().get_friendly_name(), output.get_index()


def rounded_weights(node: openvino.Node) -> openvino.Output:
    """Return the weights of a convolution, rounded for each of its output channels."""
    weights, kept = node.input_value(1), OUTPUT_AXIS[node.get_type_name()]
    values: npt.NDArray[np.float32] = weights.get_node().get_data()
    others = tuple(axis for axis in range(values.ndim) if axis != kept)
    limits = np.maximum(np.abs(values).max(axis=others, keepdims=True), LEAST).astype(np.float32)
    return rounded(weights, (-limits, limits), WEIGHT_LEVELS)


def rounded(
    output: openvino.Output, ends: tuple[FloatArray | np.float32, ...], levels: int
) -> openvino.Output:
    """Return the values of a node, each replaced by the nearest of equally spaced levels.

    All new nodes get names, because OpenVINO's own differ from run to run.
    """
    name, number = place_of(output)
    limits = [opset13.constant(np.asarray(end, np.float32)) for end in ends]
    for limit, which in zip(limits, ("lowest", "highest"), strict=True):
        limit.set_friendly_name(f"{name}/{number}/{which}")
    node = opset13.fake_quantize(output, *limits, *limits, levels)
    node.set_friendly_name(f"{name}/{number}/rounded")
    return node.output(0)
