"""The U-Net of "Learning to See in the Dark" (Chen et al. 2018) under all names it was given.

`g_conv1_1/weights` and `Variable` in the authors' TensorFlow; `conv1_1` to `conv9_2`, `upv6` to
`upv9` and `conv10_1` in lavi135246's port, ELD, LED, PMN and their relatives; `up6` to `up9` and
`conv10` in cydonia999's. With twelve channels at its end it makes a picture, with four it denoises.
"""

import re

from torch import Tensor

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.foreign.recognised import Config, Recognised, Tensors

BOTTOM = 5  # convolutions of the encoder; the rest up to 9 are the decoder's
CONVOLUTION = re.compile(r"conv([1-9])_([12])")
UPSAMPLING = re.compile(r"upv?([6-9])")
HEADS = ("conv10", "conv10_1")
NAMELESS = {"Variable": 0, "Variable_1": 1, "Variable_2": 2, "Variable_3": 3}  # in TensorFlow
ENDINGS = {"weights": "weight", "biases": "bias", "weight": "weight", "bias": "bias"}

BLOCKS = [f"encoder.{n}" for n in range(BOTTOM)] + [f"decoder.{n}" for n in range(BOTTOM - 1)]
LAYERS = [f"{block}.{nth}" for block in BLOCKS for nth in ("first", "second")] + ["head"]
UPS = [f"up.{n}" for n in range(BOTTOM - 1)]
NEEDED = {f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")}
NEEDED |= {f"{up}.weight" for up in UPS}
BIASES = {f"{up}.bias" for up in UPS}

PICTURE, PLANES = 12, 4  # channels of a head: three colours of four pixels, or the planes
FUJI_HEADS, FUJI_PLANES = (27, 9), 9
# A picture's head in TensorFlow has the place in the cell first and then the colour: 3 * place + c.
DEPTH_FIRST = [3 * place + colour for colour in range(3) for place in range(4)]
FACTS: dict[int, dict[str, str | bool]] = {
    PICTURE: {"output_space": "srgb"},
    PLANES: {"output_space": "raw-planes"},
}
AS_TRAINED: dict[str, str | bool] = {"input_space": "planes", "noise_map": False, "clip": True}


def sid_unet(tensors: Tensors) -> Recognised | None:
    """Recognise the U-Net.

    Raises:
        EnvironmentProblem: it is for another sensor, or ends in another number of channels.
    """
    names = {name: our_name(name) for name in tensors}
    ours = {to: tensors[name] for name, to in names.items() if to}
    if len(ours) != len(tensors) or not NEEDED <= ours.keys() <= NEEDED | BIASES:
        return None
    if any(tensor.ndim != 4 for name, tensor in ours.items() if name.endswith("weight")):
        return None
    is_tensorflow = "Variable" in tensors
    if is_tensorflow:
        ours = {name: as_torch(tensor) for name, tensor in ours.items()}
    channels, width = refuse_other_sensors(ours), int(ours["encoder.0.first.weight"].shape[0])
    if channels == PICTURE and (is_tensorflow or "conv10.weight" in tensors):
        ours |= {name: ours[name][DEPTH_FIRST] for name in ("head.weight", "head.bias")}
    config: Config = {"width": width}
    if ours.keys() > NEEDED:
        config["upsampling_bias"] = True
    network = "unet" if channels == PICTURE else "raw-unet"
    return Recognised(layout_of(tensors), network, config, ours, AS_TRAINED | FACTS[channels])


def our_name(name: str) -> str | None:
    """Return what `networks.UNet` calls a tensor, None if it has no such one.

    >>> our_name("g_conv6_2/biases"), our_name("upv9.weight"), our_name("conv10.bias")
    ('decoder.0.second.bias', 'up.3.weight', 'head.bias')
    """
    if name in NAMELESS:
        return f"up.{NAMELESS[name]}.weight"
    layer, _, ending = name.removeprefix("g_").replace("/", ".").rpartition(".")
    if ending not in ENDINGS or not (ours := our_layer(layer)):
        return None
    return f"{ours}.{ENDINGS[ending]}"


def our_layer(layer: str) -> str | None:
    """Return what `networks.UNet` calls a layer."""
    if layer in HEADS:
        return "head"
    if match := UPSAMPLING.fullmatch(layer):
        return UPS[int(match[1]) - BOTTOM - 1]
    if match := CONVOLUTION.fullmatch(layer):
        return LAYERS[2 * (int(match[1]) - 1) + int(match[2]) - 1]
    return None


def as_torch(tensor: Tensor) -> Tensor:
    """Turn a kernel of TensorFlow around: rows, columns, and the two kinds of channels swapped."""
    return tensor.permute(3, 2, 0, 1) if tensor.ndim == 4 else tensor


def refuse_other_sensors(ours: dict[str, Tensor]) -> int:
    """Return the channels of the head, if they and those of the input are of a Bayer sensor."""
    taken, given = ours["encoder.0.first.weight"].shape[1], ours["head.weight"].shape[0]
    if taken == FUJI_PLANES or given in FUJI_HEADS:
        raise EnvironmentProblem(
            "these weights are for Fuji's X-Trans sensors; darkroom works on Bayer sensors only"
        )
    if taken != PLANES or given not in FACTS or ours["head.bias"].shape != (given,):
        raise EnvironmentProblem(
            f"this U-Net takes {taken} planes and gives {given}; known are 4 planes to 12, which"
            " are a picture, and 4 to 4"
        )
    return given


def layout_of(tensors: Tensors) -> str:
    """Return whose names these are, for the card."""
    if "Variable" in tensors:
        return "Learning to See in the Dark, TensorFlow"
    if "conv10.weight" in tensors:
        return "Learning to See in the Dark, PyTorch port with conv10"
    return "Learning to See in the Dark, PyTorch port with conv10_1"
