"""Checkpoints of other programs, made here from networks of ours with the names those have."""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from darkroom.networks import NETWORKS, Network
from darkroom.zoo.foreign.crc32c import crc32c, masked

Tensors = dict[str, Tensor]

NTH = {"first": 1, "second": 2}
SMALL = {
    "unet": {"width": 2},
    "raw-unet": {"width": 2},
    "pmrid": {"width": 4, "blocks": [1, 2, 1, 1]},
}
NOISE = torch.full((1, 8), 1e-3)


def lively(name: str, **config: object) -> Network:
    """Build a small network whose every weight counts and survives half precision."""
    torch.manual_seed(0)
    network = NETWORKS[name](**{**SMALL[name], **config}).eval()
    with torch.no_grad():
        for tensor in network.parameters():
            tensor.copy_((tensor + 0.1 * torch.randn_like(tensor)).half().float())
    return network


def sid_names(network: Network, *, up: str = "upv{}", head: str = "conv10_1") -> Tensors:
    """Return a U-Net's tensors as the PyTorch ports of "Learning to See in the Dark" name them."""
    return {sid_name(name, up, head): tensor for name, tensor in network.state_dict().items()}


def sid_name(name: str, up: str, head: str) -> str:
    layer, *rest, kind = name.split(".")
    if layer == "head":
        return f"{head}.{kind}"
    level = int(rest[0])
    if layer == "up":
        return f"{up.format(level + 6)}.{kind}"
    number = level + (1 if layer == "encoder" else 6)
    return f"conv{number}_{NTH[rest[1]]}.{kind}"


def depth_first(head: Tensor) -> Tensor:
    """Order the rows of a head as TensorFlow's depth_to_space wants them."""
    turned = torch.empty_like(head)
    for colour in range(3):
        for place in range(4):
            turned[3 * place + colour] = head[4 * colour + place]
    return turned


def cydonia(network: Network) -> Tensors:
    """Return a U-Net's tensors as cydonia999's port has them."""
    tensors = sid_names(network, up="up{}", head="conv10")
    return tensors | {k: depth_first(tensors[k]) for k in ("conv10.weight", "conv10.bias")}


def tensorflow(network: Network) -> dict[str, np.ndarray]:
    """Return a U-Net's tensors as the authors of the paper have them, some of Adam's among them."""
    arrays = {}
    for name, tensor in cydonia(network).items():
        layer, kind = name.split(".")
        array = tensor.permute(2, 3, 1, 0).numpy() if tensor.ndim == 4 else tensor.numpy()
        number = int(layer[2:]) - 6 if layer.startswith("up") else None
        if number is None:
            arrays[f"g_{layer}/{'weights' if kind == 'weight' else 'biases'}"] = array
        else:
            arrays["Variable" + (f"_{number}" if number else "")] = array
    arrays["g_conv1_1/weights/Adam"] = np.zeros(3, np.float32)
    arrays["beta1_power"] = np.full((), 0.9, np.float32)
    return arrays


def pmrid_names(network: Network) -> Tensors:
    """Return the tensors of a PMRID as its authors name them."""
    return {pmrid_name(name): tensor for name, tensor in network.state_dict().items()}


PART = {"0": "depthwise", "1": "pointwise"}


def pmrid_name(name: str) -> str:
    layer, *path, kind = name.split(".")
    if layer in ("entry", "head"):
        return f"{'conv0' if layer == 'entry' else 'out1'}.conv.{kind}"
    if layer == "bottom":
        return f"encdec.{PART[path[0]]}.{kind}"
    if layer == "last":
        return f"out0.conv{NTH[path[0]] - 1}.{PART[path[1]]}.{kind}"
    level = int(path[0]) + 1
    if layer == "encoder":
        branch = "proj" if path[2] == "shortcut" else f"conv{NTH[path[2]]}"
        return f"enc{level}.{path[1]}.{branch}.{PART[path[3]]}.{kind}"
    if path[1] == "refine":
        return f"dec{level}.decode_conv.conv{NTH[path[2]] - 1}.{PART[path[3]]}.{kind}"
    return f"dec{level}." + (f"upsample.{kind}" if path[1] == "up" else skip_name(path[2], kind))


def skip_name(part: str, kind: str) -> str:
    return f"proj_conv.{PART[part]}.{kind}"


def varint(value: int) -> bytes:
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7F | 0x80])
        value >>= 7
    return data + bytes([value])


def block(items: list[tuple[bytes, bytes]], *, restart: int = 4, kind: int = 0) -> bytes:
    """Return a block of a sorted table with its trailer; keys share their beginnings."""
    content, restarts, before = b"", [], b""
    for place, (key, value) in enumerate(items):
        shared = 0
        if place % restart:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        else:
            restarts.append(len(content))
        fresh = key[shared:]
        content += varint(shared) + varint(len(fresh)) + varint(len(value)) + fresh + value
        before = key
    content += struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))
    return content + bytes([kind]) + struct.pack("<I", masked(crc32c(content + bytes([kind]))))


def table(items: Mapping[bytes, bytes], *, per_block: int = 7, kind: int = 0) -> bytes:
    """Return a sorted table."""
    ordered = sorted(items.items())
    content, handles = b"", []
    for start in range(0, len(ordered), per_block):
        part = ordered[start : start + per_block]
        made = block(part, kind=kind)
        handles.append((part[-1][0], varint(len(content)) + varint(len(made) - 5)))
        content += made
    ends = b""
    for made in (block([]), block(handles)):
        ends += varint(len(content)) + varint(len(made) - 5)
        content += made
    return content + ends.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def field(number: int, value: int | bytes) -> bytes:
    """Return a field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def bundle(arrays: Mapping[str, np.ndarray], *, shards: int = 1) -> tuple[bytes, bytes]:
    """Return the index and the data of a TensorFlow checkpoint."""
    items, data = {b"": field(1, shards) + field(3, field(1, 1))}, b""
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name], "<f4").tobytes()
        shape = b"".join(field(2, field(1, size)) for size in arrays[name].shape)
        items[name.encode()] = (
            field(1, 1) + field(2, shape) + field(4, len(data)) + field(5, len(values))
        ) + (varint(6 << 3 | 5) + struct.pack("<I", masked(crc32c(values))))
        data += values
    return table(items), data


def write_bundle(prefix: Path, arrays: Mapping[str, np.ndarray]) -> Path:
    """Write a TensorFlow checkpoint and return its index."""
    index, data = bundle(arrays)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)
    path = prefix.with_name(f"{prefix.name}.index")
    path.write_bytes(index)
    return path


def pictures(network: Network) -> Tensor:
    """Return what a network makes of certain planes."""
    torch.manual_seed(1)
    planes = torch.rand(1, 4, 32, 48)
    with torch.inference_mode():
        return network(planes, NOISE)
