"""Pixel shuffles of a network, so that a CPU copies runs of memory instead of single values.

torch's pixel shuffle takes the place of a value from the end of its channel's number: of r*r*C
channels, neighbours in memory go to different rows and columns. Which channel of a convolution is
which is a matter of the order of its weights. So where a convolution feeds a shuffle, its weights
are put into the order (row, column, channel), and what lies side by side stays side by side.
"""

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13

CHANNELWISE = {"Add", "Convert", "PRelu", "Relu"}  # may stand between convolution and shuffle
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def in_runs(model: openvino.Model) -> None:
    """Rewrite the shuffles of a model that convolutions feed; others stay as they are."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "DepthToSpace" and feeding(node):
            picture = opset13.transpose(interleaved_shuffle(node), whole(CHANNELS_FIRST))
            replace(node, picture.output(0))
    model.validate_nodes_and_infer_types()


def interleaved_shuffle(shuffle: openvino.Node) -> openvino.Output:
    """Return (1, r*h, r*w, C) in place of a DepthToSpace's (1, C, r*h, r*w).

    Args:
        shuffle: one that `feeding` finds a convolution for; that is changed for good.
    """
    block = int(shuffle.get_attributes()["block_size"])
    for node in feeding(shuffle):
        reorder(node, block * block)
    pixels = opset13.transpose(shuffle.input_value(0), whole(CHANNELS_LAST))
    rows, columns, channels = (size(pixels, axis) for axis in (1, 2, 3))
    one, step = whole([1]), whole([block])
    run = opset13.divide(channels, step)  # the C channels of each of r columns
    split = opset13.reshape(
        pixels, opset13.concat([one, rows, columns, step, run], 0), special_zero=False
    )
    by_rows = opset13.transpose(split, whole([0, 1, 3, 2, 4]))
    sides = [opset13.multiply(side, step) for side in (rows, columns)]
    shape = opset13.concat([one, *sides, opset13.divide(run, step)], 0)
    return opset13.reshape(by_rows, shape, special_zero=False).output(0)


def feeding(shuffle: openvino.Node) -> list[openvino.Node]:
    """Return the convolution that feeds a shuffle and nothing else, and what stands between.

    Returns:
        An empty list if there is none, or if its channels cannot be put into another order.
    """
    chain, node = list[openvino.Node](), shuffle.input_value(0).get_node()
    while is_read_once(node):
        chain.append(node)
        if node.get_type_name() == "Convolution":
            return chain if all(map(is_known, chain)) else []
        if node.get_type_name() not in CHANNELWISE:
            break
        node = node.input_value(0).get_node()
    return []


def is_read_once(node: openvino.Node) -> bool:
    """Whether one node takes what this one gives, and all others only its size."""
    targets = node.output(0).get_target_inputs()
    readers: list[str] = [target.get_node().get_type_name() for target in targets]
    return len(readers) - readers.count("ShapeOf") == 1


def is_known(node: openvino.Node) -> bool:
    """Whether a node has nothing for its channels but constants."""
    is_single: bool = node.get_input_size() == 1
    return is_single or source(node).get_type_name() == "Constant"


def source(node: openvino.Node) -> openvino.Node:
    """Return the node that a node's second input comes from, before it got its shape."""
    found = node.input_value(1).get_node()
    while found.get_type_name() == "Reshape":
        found = found.input_value(0).get_node()
    return found


def reorder(node: openvino.Node, places: int) -> None:
    """Put the channels a node gives from the order (channel, place) into (place, channel)."""
    if node.get_input_size() == 1:
        return
    values: npt.NDArray[np.float32] = source(node).get_data()
    if values.size == 1:
        return
    if node.get_type_name() != "Convolution":
        values = values.reshape(-1, 1, 1)  # of (C, h, w)
    order = np.arange(len(values)).reshape(-1, places).T.ravel()
    node.input(1).replace_source_output(opset13.constant(values[order]).output(0))


def replace(node: openvino.Node, output: openvino.Output) -> None:
    """Give an output to all that take what a node gives."""
    for target in list(node.output(0).get_target_inputs()):
        target.replace_source_output(output)


def size(node: openvino.Node, axis: int) -> openvino.Node:
    """Return the size of one axis of what a node gives, as (1,)."""
    return opset13.gather(opset13.shape_of(node), whole([axis]), whole(0))


def whole(numbers: npt.ArrayLike) -> openvino.Node:
    """Return whole numbers as a node."""
    return opset13.constant(np.asarray(numbers, np.int64))
