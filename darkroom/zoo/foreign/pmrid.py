"""PMRID (Wang et al. 2020) under the names of its authors' PyTorch program."""

import re

from darkroom.zoo.foreign.recognised import Config, Recognised, Tensors

LAYER = re.compile(
    r"(?P<whole>(?:conv0|out1)\.conv|encdec|dec[1-4]\.(?:upsample|proj_conv)"
    r"|enc[1-4]\.\d+\.(?:conv[12]|proj)|(?:dec[1-4]\.decode_conv|out0)\.conv[01])"
    r"(?P<part>\.depthwise|\.pointwise)?\.(?P<kind>weight|bias)"
)
PARTS = {None: "", ".depthwise": ".0", ".pointwise": ".1"}
RENAMED = (
    (re.compile(r"conv0\.conv"), "entry"),
    (re.compile(r"out1\.conv"), "head"),
    (re.compile(r"out0\."), "last."),
    (re.compile(r"encdec"), "bottom"),
    (re.compile(r"decode_conv"), "refine"),
    (re.compile(r"proj_conv"), "skip"),
    (re.compile(r"upsample"), "up"),
    (re.compile(r"proj"), "shortcut"),
)
LEVEL = re.compile(r"(enc|dec)([1-4])\.")
FOLDERS = {"enc": "encoder", "dec": "decoder"}
# The blocks on the way down count their convolutions from 1, the others from 0.
NTH = {"down": {"conv1": "first", "conv2": "second"}, "up": {"conv0": "first", "conv1": "second"}}
FACTS: dict[str, str | bool] = {
    "input_space": "planes",
    "output_space": "raw-planes",
    "noise_map": True,
    "clip": False,
}


def pmrid(tensors: Tensors) -> Recognised | None:
    """Recognise the network by its names."""
    ours = {to: tensor for name, tensor in tensors.items() if (to := our_name(name))}
    if len(ours) != len(tensors) or "entry.weight" not in ours or "head.weight" not in ours:
        return None
    blocks = [sum(is_block(name, level) for name in ours) for level in range(4)]
    config: Config = {"width": int(ours["entry.weight"].shape[0]), "blocks": list(blocks)}
    return Recognised("PMRID, PyTorch", "pmrid", config, ours, FACTS)


def is_block(name: str, level: int) -> bool:
    """Whether a tensor is the one by which the blocks of a level are counted."""
    return name.startswith(f"encoder.{level}.") and name.endswith(".first.0.weight")


def our_name(name: str) -> str | None:
    """Return what `networks.PMRID` calls a tensor, None if it has no such one.

    >>> our_name("enc2.0.conv1.depthwise.weight"), our_name("dec1.decode_conv.conv0.pointwise.bias")
    ('encoder.1.0.first.0.weight', 'decoder.0.refine.first.1.bias')
    """
    match = LAYER.fullmatch(name)
    if not match:
        return None
    *path, last = match["whole"].split(".")
    order = NTH["down" if name.startswith("enc") else "up"]
    layer = ".".join([*path, order.get(last, last) if path and last != "conv" else last])
    for pattern, ours in RENAMED:
        layer = pattern.sub(ours, layer)
    layer = LEVEL.sub(lambda found: f"{FOLDERS[found[1]]}.{int(found[2]) - 1}.", layer)
    return f"{layer}{PARTS[match['part']]}.{match['kind']}"
