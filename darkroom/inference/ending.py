"""How a graph ends: in a picture that is interleaved, and in single precision where it counts.

A convolution in bfloat16 rounds what it gives to 128 steps an octave, which posterises. Its sums
are in single precision, though, and rounded only because what follows takes bfloat16. So the last
convolution is followed by a PReLU of slope 1, which changes nothing and stays in single precision:
engines compute both as one, which reads bfloat16 and writes float32. What it reads had been rounded
in any case, by the convolution before.
"""

from collections.abc import Callable

import numpy as np
import openvino
from openvino import opset13

from darkroom.inference.shuffles import (
    CHANNELS_LAST,
    feeding,
    interleaved_shuffle,
    is_known,
    is_read_once,
    replace,
    whole,
)

POINTWISE = {  # what may follow a last convolution: each of its results depends on one value
    *("Abs", "Add", "Clamp", "Convert", "Divide", "LeakyRelu", "Multiply", "Power", "PRelu"),
    *("Relu", "Sigmoid", "Sqrt", "Subtract"),
}
MOVING = {"DepthToSpace", "Reshape", "Result", "Transpose"}


def in_single_precision(picture: openvino.Output) -> tuple[openvino.Output, set[str]]:
    """Let the last convolution of a picture give float32 whatever it computes in.

    Returns:
        The picture, and the names of the layers that need not compute in float32 for that.
    """
    last = last_convolution(picture)
    if last is None or not is_read_once(last):
        return picture, set()
    readers = [target.get_node() for target in last.output(0).get_target_inputs()]
    sums = (node for node in readers if node.get_type_name() == "Add" and is_known(node))
    biased = next(sums, last)
    targets = list(biased.output(0).get_target_inputs())
    unchanged = opset13.prelu(biased, opset13.constant(np.ones(1, np.float32)))  # NaN stays NaN
    for target in targets:
        target.replace_source_output(unchanged.output(0))
    names = {last.get_friendly_name(), biased.get_friendly_name()}
    is_picture = picture.get_node().get_friendly_name() == biased.get_friendly_name()
    return unchanged.output(0) if is_picture else picture, names


def interleaved(picture: openvino.Output) -> openvino.Output:
    """Return a picture (1, C, H, W) as (1, H, W, C).

    Where it ends in a shuffle of what a convolution gives, the shuffle gives it so.
    """
    shuffle = last_shuffle(picture)
    if shuffle is None or not feeding(shuffle):
        return opset13.transpose(picture, whole(CHANNELS_LAST)).output(0)
    pixels = interleaved_shuffle(shuffle)
    replace(shuffle, pixels)
    is_last = picture.get_node().get_friendly_name() == shuffle.get_friendly_name()
    return pixels if is_last else picture


def last_convolution(picture: openvino.Output) -> openvino.Node | None:
    """Return the convolution that each value of a picture comes from, None if there is no such."""

    def is_passed(node: openvino.Node) -> bool:
        kind = node.get_type_name()
        is_size = bool(node.output(0).element_type.is_integral())
        return kind in POINTWISE or kind in MOVING or kind == "Constant" or is_size

    return origin(picture, "Convolution", is_passed)


def last_shuffle(picture: openvino.Output) -> openvino.Node | None:
    """Return the shuffle that a picture comes from, value by value; None if there is no such."""

    def is_passed(node: openvino.Node) -> bool:
        if node.get_type_name() == "Constant":
            return int(np.prod(node.shape)) == 1  # else it may mean channels or places
        return node.get_type_name() in POINTWISE

    return origin(picture, "DepthToSpace", is_passed)


def origin(
    picture: openvino.Output, kind: str, is_passed: Callable[[openvino.Node], bool]
) -> openvino.Node | None:
    """Walk back from a picture: return the only node of a kind, None if others were met."""
    left, seen, found = [picture.get_node()], set[str](), dict[str, openvino.Node]()
    while left:
        node = left.pop()
        name = node.get_friendly_name()
        if node.get_type_name() == kind:
            found[name] = node
        elif not is_passed(node):
            return None
        elif name not in seen:
            seen.add(name)
            left += [node.input_value(place).get_node() for place in range(node.get_input_size())]
    return found.popitem()[1] if len(found) == 1 else None
