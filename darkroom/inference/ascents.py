"""The way up of a U-Net, without writing the enlarged features or putting them beside others.

A transposed convolution enlarges features, a concatenation puts others beside them, a convolution
reads both. All three are linear. So the result is the sum of a convolution that reads the others,
and of one transposed convolution, whose kernel is what the two of them do one after the other. The
largest tensors of a network are never written, and there is less to reckon: of 2x2 and 3x3 weights
to a pixel, four remain.

It holds at the borders, too: beyond them lie zeros, before features are enlarged and after it. A
transposed convolution with a bias puts something else than zeros beside those, and stays as it is.
"""

from itertools import product

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13

from darkroom.inference.shuffles import is_read_once, replace

FloatArray = npt.NDArray[np.float32]

CHANNELS = 1  # the axis of features, and of what the weights of a convolution read
NO_BIAS = 2  # inputs: features and weights


def in_one(model: openvino.Model) -> None:
    """Rewrite each convolution of a model that reads enlarged features beside others."""
    for node in model.get_ordered_ops():
        if is_plain(node, "Convolution") and steps_singly(node):
            joined = node.input_value(0).get_node()
            if is_joined(joined) and any(map(enlarges, inputs_of(joined))):
                replace(node, summed(node, inputs_of(joined)))
    model.validate_nodes_and_infer_types()


def is_plain(node: openvino.Node, kind: str) -> bool:
    """Whether a node is of a kind of convolution, with weights that are known, close together."""
    if node.get_type_name() != kind or node.input_value(1).get_node().get_type_name() != "Constant":
        return False
    settings = node.get_attributes()
    return bool(settings["auto_pad"] == "explicit" and settings["dilations"] == [1, 1])


def steps_singly(convolution: openvino.Node) -> bool:
    """Whether a convolution looks at every pixel, and nowhere at nothing but zeros beyond."""
    settings, kernel = convolution.get_attributes(), convolution.input_value(1).shape[2:]
    pads = [*settings["pads_begin"], *settings["pads_end"]]
    fits = all(pad < side for pad, side in zip(pads, [*kernel, *kernel], strict=True))
    return fits and bool(settings["strides"] == [1, 1])


def is_joined(node: openvino.Node) -> bool:
    """Whether a node puts features of known numbers of channels side by side, for one reader."""
    return (
        node.get_type_name() == "Concat"
        and node.get_attributes()["axis"] == CHANNELS
        and is_read_once(node)
        and all(given.partial_shape[CHANNELS].is_static for given in inputs_of(node))
    )


def enlarges(features: openvino.Output) -> bool:
    """Whether features are what a transposed convolution without a bias gives to one reader."""
    node = features.get_node()
    if not is_plain(node, "ConvolutionBackpropData") or not is_read_once(node):
        return False
    settings = node.get_attributes()
    padded = any(map(any, (settings[f"pads_{end}"] for end in ("begin", "end"))))
    return node.get_input_size() == NO_BIAS and not padded and not any(settings["output_padding"])


def inputs_of(node: openvino.Node) -> list[openvino.Output]:
    """Return all that a node reads."""
    return [node.input_value(place) for place in range(node.get_input_size())]


def summed(convolution: openvino.Node, given: list[openvino.Output]) -> openvino.Output:
    """Return what a convolution makes of features side by side, as a sum over them."""
    settings, weights = convolution.get_attributes(), weights_of(convolution)
    ends = np.cumsum([features.partial_shape[CHANNELS].get_length() for features in given])
    shares = np.split(weights, ends[:-1], axis=CHANNELS)
    parts = list(zip(given, shares, strict=True))
    total = beside([part for part in parts if not enlarges(part[0])], settings)
    for features, share in parts:
        if enlarges(features):
            larger = enlarged(features.get_node(), share, settings)
            total = larger if total is None else opset13.add(total, larger).output(0)
    assert total is not None  # a concatenation has at least one input
    return total


def beside(
    parts: list[tuple[openvino.Output, FloatArray]], settings: dict[str, list[int]]
) -> openvino.Output | None:
    """Return a convolution of the features that are not enlarged here, None if there are none."""
    if not parts:
        return None
    features = [part[0] for part in parts]
    read = opset13.concat(features, CHANNELS).output(0) if len(parts) > 1 else features[0]
    weights = np.concatenate([part[1] for part in parts], CHANNELS)
    pads = settings["pads_begin"], settings["pads_end"]
    return opset13.convolution(read, constant(weights), [1, 1], *pads, [1, 1]).output(0)


def enlarged(
    transposed: openvino.Node, weights: FloatArray, settings: dict[str, list[int]]
) -> openvino.Output:
    """Return a transposed convolution and the convolution that follows it as one."""
    kernel = weights.shape[2:]
    begin, end = (
        [side - 1 - pad for side, pad in zip(kernel, settings[name], strict=True)]
        for name in ("pads_begin", "pads_end")
    )
    return opset13.convolution_backprop_data(
        transposed.input_value(0),
        constant(one_after_the_other(weights_of(transposed), weights)),
        transposed.get_attributes()["strides"],
        pads_begin=begin,
        pads_end=end,
    ).output(0)


def one_after_the_other(enlarging: FloatArray, following: FloatArray) -> FloatArray:
    """Return the weights (I, O, a+b-1, a+b-1) of one transposed convolution instead of two steps.

    Args:
        enlarging: weights (I, C, a, a) of a transposed convolution.
        following: weights (O, C, b, b) of the convolution that reads it.
    """
    inputs, _, *first = enlarging.shape
    outputs, _, *second = following.shape
    sides = [one + other - 1 for one, other in zip(first, second, strict=True)]
    weights = np.zeros((inputs, outputs, *sides))
    for row, column in product(*map(range, second)):
        top, left = second[0] - 1 - row, second[1] - 1 - column
        weights[..., top : top + first[0], left : left + first[1]] += np.einsum(
            "icab,oc->ioab", enlarging, following[..., row, column], dtype=float, optimize=True
        )
    return weights.astype(np.float32)


def weights_of(node: openvino.Node) -> FloatArray:
    """Return the weights of a convolution."""
    weights: FloatArray = node.input_value(1).get_node().get_data()
    return weights


def constant(weights: FloatArray) -> openvino.Node:
    """Return weights as a node."""
    return opset13.constant(np.ascontiguousarray(weights))
