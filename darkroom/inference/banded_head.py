"""Compute a network's last convolution band by band, so that little of it is in memory at once.

The features in front of it are as large as the frame, and it wants them in single precision: that
would be the most memory a network ever holds. Nothing else changes: a band sees the rows around it.
"""

from itertools import pairwise

import openvino
from openvino import opset13

BANDS = 4
FEWEST_ROWS = 256  # of features; smaller pictures are not worth it
LOCAL = {  # what may follow: each of its results depends on one place of the features
    *("Abs", "Add", "Clamp", "DepthToSpace", "Divide", "LeakyRelu", "Multiply", "PRelu", "Power"),
    *("Relu", "Reshape", "Result", "Sigmoid", "Sqrt", "Subtract", "Transpose"),
}
ROWS = 256  # of features; smaller pictures are not worth it
LOCAL = {  # what may follow: each of its results depends on one place of the features
    *("Abs", "Add", "Clamp", "DepthToSpace", "LeakyRelu", "Multiply", "PRelu", "Relu", "Sigmoid"),
    *("Power", "Sqrt", "Subtract", "Reshape", "Transpose", "Result"),
    *("Broadcast", "Concat", "Convert", "Divide", "Gather", "ShapeOf", "Squeeze", "Unsqueeze"),
}
ROWS = 2  # the axis of rows in features (1, C, h, w)


def banded(model: openvino.Model) -> tuple[openvino.Model, tuple[int, ...]]:
    """Split the end of a model of fixed shape into bands, each a result of its own.

    Args:
        model: one that gives an interleaved picture (1, H, W, C).

    Returns:
        The model and where its bands begin and end, in rows of the picture: the model as it is and
        one band where it does not end in a convolution of one step, or is small.
    """
    rows = int(model.output(0).shape[1])
    head = only_head(model)
    if head is None or int(head.input_value(0).shape[ROWS]) < FEWEST_ROWS:
        return model, (0, rows)
    features, height = head.input_value(0), int(head.input_value(0).shape[ROWS])
    edges = [height * band // BANDS for band in range(BANDS + 1)]
    ends = [model.clone() for _ in range(BANDS)]  # before anything is changed
    name, reach = head.get_friendly_name(), int(head.input_value(1).shape[ROWS]) // 2
    results = [
        end_of(end, name, features, (top, bottom, reach, height))
        for end, (top, bottom) in zip(ends, pairwise(edges), strict=True)
    ]
    scale = rows // height
    whole = openvino.Model(results, model.get_parameters(), "banded")
    return whole, tuple(scale * edge for edge in edges)


def end_of(
    end: openvino.Model, name: str, features: openvino.Output, band: tuple[int, int, int, int]
) -> openvino.Node:
    """Return the result that a copy of the model gives for a band of another one's features."""
    top, bottom, reach, height = band
    low, high = max(top - reach, 0), min(bottom + reach, height)
    head = next(node for node in end.get_ops() if node.get_friendly_name() == name)
    following = list(head.output(0).get_target_inputs())
    head.input(0).replace_source_output(cut(features, low, high))
    kept = cut(head.output(0), top - low, bottom - low)
    for place in following:
        place.replace_source_output(kept)
    return end.output(0).get_node()


def cut(rows: openvino.Output, top: int, bottom: int) -> openvino.Output:
    """Return the rows [top, bottom) of features (1, C, h, w)."""
    numbers = ([top], [bottom], [1], [ROWS])
    return opset13.slice(rows, *(opset13.constant(number) for number in numbers)).output(0)


def only_head(model: openvino.Model) -> openvino.Node | None:
    """Return the convolution that the picture of a model hangs on alone, None if there is none."""
    seen: dict[str, openvino.Node] = {}
    heads: dict[str, openvino.Node] = {}
    left = [model.output(0).get_node()]
    while left:
        node = left.pop()
        if node.get_friendly_name() in seen:
            continue
        seen[node.get_friendly_name()] = node
        kind = node.get_type_name()
        if kind == "Convolution":
            heads[node.get_friendly_name()] = node
        elif kind in LOCAL or is_size(node):
            left += [node.input_value(place).get_node() for place in range(node.get_input_size())]
        elif kind != "Constant":
            return None
    return only(heads) if len(heads) == 1 else None


def is_size(node: openvino.Node) -> bool:
    """Whether a node reckons with sizes, which are whole numbers, not with light."""
    return bool(node.output(0).element_type.is_integral())


def only(heads: dict[str, openvino.Node]) -> openvino.Node | None:
    """Return the one convolution if it steps by one pixel and keeps the size."""
    (head,) = heads.values()
    facts, (_, _, *kernel) = head.get_attributes(), head.input_value(1).shape
    halves = [side // 2 for side in kernel]
    is_plain = facts["strides"] == [1, 1] and facts["dilations"] == [1, 1]
    keeps_size = facts["pads_begin"] == facts["pads_end"] == halves and all(k % 2 for k in kernel)
    return head if is_plain and keeps_size else None
