"""Turn a torch network into OpenVINO's graph, and mark what must stay in single precision.

That is what lies before the first convolutions, transforms that make noise constant, and what
follows the last ones. Everything between, which is nearly all of the work, follows the precision
that an engine is made with. Last convolutions are marked, too, where `ending` found no better way.
"""

import warnings
from xml.etree import ElementTree

import openvino
import torch
from openvino import opset13
from openvino.frontend import FrontEndManager, NodeContext
from openvino.frontend.pytorch import ConversionExtension
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from openvino.passes import ConstantFolding, Manager

from darkroom.inference.ascents import in_one
from darkroom.inference.ending import in_single_precision, interleaved
from darkroom.inference.graph import Graph
from darkroom.inference.intermediate import name_in_order, with_marks, written
from darkroom.inference.shuffles import in_runs
from darkroom.networks import Network

EXAMPLE_STEPS = 4  # of its alignment, a side of the planes that show how a network computes
SMALLEST_EXAMPLE = 64
CONVOLUTIONS = {
    f"{group}Convolution{direction}"
    for group in ("", "Group")
    for direction in ("", "BackpropData")
}
SOURCES = {"Const", "Parameter"}


def shuffle(node: NodeContext) -> list[openvino.Output]:
    """Return what torch's pixel shuffle gives."""
    block = int(node.get_values_from_const_input(1))
    return list(opset13.depth_to_space(node.get_input(0), "depth_first", block).outputs())


def unshuffle(node: NodeContext) -> list[openvino.Output]:
    """Return what torch's pixel unshuffle gives."""
    block = int(node.get_values_from_const_input(1))
    return list(opset13.space_to_depth(node.get_input(0), "depth_first", block).outputs())


EXTENSIONS = (  # the frontend makes a dozen nodes of each
    ConversionExtension("aten::pixel_shuffle", shuffle),
    ConversionExtension("aten::pixel_unshuffle", unshuffle),
)


def convert(network: Network, *, channels: int, for_int8: bool = False) -> Graph:
    """Return the graph of a network that takes `channels` planes of sizes on its alignment.

    Its picture is interleaved: (1, s*h, s*w, C).

    Args:
        network: in evaluation mode.
        channels: planes that it takes.
        for_int8: whether it is going to be quantised. Then its way up stays as it is: transposed
            convolutions in int8 write float32, and the larger ones write more of it.
    """
    side = example_side(network.multiple_of)
    decoder = TorchScriptPythonDecoder(traced(network, channels, side))
    frontend = FrontEndManager().load_by_framework("pytorch")
    for extension in EXTENSIONS:
        frontend.add_extension(extension)
    model = frontend.convert(frontend.load(decoder))
    if not for_int8:
        in_one(model)
    picture, rounded = in_single_precision(uncut(model, [1, channels, side, side]))
    result = opset13.result(interleaved(picture))
    model = openvino.Model([result], model.get_parameters(), "network")
    in_runs(model)
    fold(model)
    name_in_order(model)
    xml, weights = written(model)
    marked = with_marks(xml, to_compute_exactly(xml) - rounded)
    return Graph(marked, weights, network.multiple_of, network.bytes_per_pixel)


def example_side(multiple_of: int) -> int:
    """Return a side on the alignment, large enough for a network to show how it computes.

    >>> example_side(16), example_side(1)
    (64, 64)
    """
    return max(EXAMPLE_STEPS * multiple_of, -(-SMALLEST_EXAMPLE // multiple_of) * multiple_of)


@torch.no_grad()
def traced(network: Network, channels: int, side: int) -> torch.jit.ScriptModule:
    """Record what a network computes; on its alignment, no step depends on the size."""
    example = torch.rand(1, channels, side, side), torch.full((1, 8), 1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls the recorder old; sizes are looked after
        module: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
            network, example, check_trace=False
        )
    return module


def uncut(model: openvino.Model, shape: list[int]) -> openvino.Output:
    """Return the picture of a model before it is cut; `shape` is one on its alignment.

    Networks end by cutting what they padded. On its alignment nothing is padded.
    """
    trial = model.clone()
    trial.reshape({trial.inputs[0]: shape} | {noise: [1, 8] for noise in trial.inputs[1:]})
    picture, seen = (m.output(0).get_node().input_value(0) for m in (model, trial))
    while seen.get_node().get_type_name() == "Slice":
        before = seen.get_node().input_value(0)
        if before.shape != seen.shape:
            break
        picture, seen = picture.get_node().input_value(0), before
    return picture


def fold(model: openvino.Model) -> None:
    """Reckon once what does not depend on planes: half of the nodes that a recording leaves."""
    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(model)


def to_compute_exactly(xml: bytes) -> set[str]:
    """Return the names of the layers that compute in float32 whatever the precision of the rest."""
    root = ElementTree.fromstring(xml)
    layers = {layer.attrib["id"]: layer.attrib for layer in root.iter("layer")}
    edges = [(e.attrib["from-layer"], e.attrib["to-layer"]) for e in root.iter("edge")]
    kinds = {number: layer["type"] for number, layer in layers.items()}
    after = reached(kinds, edges)
    before = reached(kinds, [(end, start) for start, end in edges])
    early = {number for number in kinds.keys() - after if kinds[number] not in CONVOLUTIONS}
    last = kinds.keys() - before
    return {layers[number]["name"] for number in early | last if kinds[number] not in SOURCES}


def reached(kinds: dict[str, str], edges: list[tuple[str, str]]) -> set[str]:
    """Return the layers that edges lead to from any convolution, through any others."""
    following: dict[str, list[str]] = {}
    for start, end in edges:
        following.setdefault(start, []).append(end)
    left = [number for number, kind in kinds.items() if kind in CONVOLUTIONS]
    found: set[str] = set()
    while left:
        new = [end for end in following.get(left.pop(), []) if end not in found]
        found.update(new)
        left += new
    return found
