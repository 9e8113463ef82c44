"""Weights and the networks they are for: safetensors files with their card in the header."""

import json
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from darkroom.errors import EnvironmentProblem
from darkroom.networks import FROM_MOSAIC, FROM_NIR, NETWORKS, TO_MOSAIC, Network
from darkroom.publish import publish
from darkroom.zoo import contents
from darkroom.zoo.card import Card
from darkroom.zoo.contents import Contents


@dataclass(frozen=True)
class Weights:
    """A card and the tensors it speaks of, already verified."""

    card: Card
    tensors: dict[str, Tensor]


def digest(card: Card, tensors: dict[str, Tensor]) -> str:
    """Return the sha256 over the card and the names, types, shapes and values of the tensors."""
    return contents.digest(card, {name: t.detach().cpu().numpy() for name, t in tensors.items()})


def load_weights(path: Path) -> Weights:
    """Read and verify a weights file, and see that it fits the network it is for.

    Raises:
        EnvironmentProblem: it cannot be read, its digest or its tensors do not fit its card.
    """
    return weights_of(contents.read_contents(path))


def weights_of(verified: Contents) -> Weights:
    """Return the weights of a file that was read and verified.

    Raises:
        EnvironmentProblem: they do not fit the network they are for.
    """
    weights = Weights(verified.card, safetensors.torch.load(verified.blob))
    build_network(weights, device="meta")
    return weights


def verify(path: Path) -> Card:
    """Check a weights file completely and return its card."""
    return load_weights(path).card


def build_network(weights: Weights, *, device: str) -> Network:
    """Return the network with its weights, in float32, ready for inference.

    Raises:
        EnvironmentProblem: the card names no known network or the tensors do not fit it.
    """
    card = weights.card
    network = empty_network(card)
    if misfit := misfits(weights.tensors, network):
        raise EnvironmentProblem(f"the weights do not fit network {card.network}: {misfit}")
    if device != "meta":
        network = network.to_empty(device=device)
    tensors = {key: value.to(device, torch.float32) for key, value in weights.tensors.items()}
    network.load_state_dict(tensors, assign=device != "meta")
    network.eval().requires_grad_(False)
    return network


def empty_network(card: Card) -> Network:
    """Return the network a card describes, its tensors without memory behind them.

    Raises:
        EnvironmentProblem: the card names no known network, or settings it does not take.
    """
    if card.network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise EnvironmentProblem(f"unknown network {card.network!r} in the card; known: {known}")
    if card.network in (FROM_NIR if card.task == "enhance" else {**FROM_MOSAIC, **TO_MOSAIC}):
        raise EnvironmentProblem(f"the card's task, {card.task}, is none for {card.network}")
    if (card.network in TO_MOSAIC) != (card.output_space == "raw-planes"):
        raise EnvironmentProblem(
            f"{card.network} does not give {card.output_space}, as the card says"
        )
    settings: dict[str, Any] = dict(card.config)
    try:
        with torch.device("meta"):
            return NETWORKS[card.network](**settings)
    except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        reason = str(error).splitlines()[0]
        raise EnvironmentProblem(
            f"the card's settings do not fit network {card.network}: {reason}"
        ) from None


def misfits(tensors: dict[str, Tensor], network: nn.Module) -> str:
    """Return the first tensor that is missing, unknown or of a wrong shape, or ""."""
    needed = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name in sorted(needed.keys() | tensors.keys()):
        if name not in tensors:
            return f"{name} is missing"
        if name not in needed:
            return f"it has no {name}"
        if (shape := tuple(tensors[name].shape)) != needed[name]:
            return f"{name} has shape {shape} and needs {needed[name]}"
    return ""


def save_weights(path: Path, card: Card, network: nn.Module) -> Card:
    """Write a network's weights in half precision with its card; return the card with digest.

    Buffers, which no training step has rounded to its liking, stay in single precision.
    """
    exact = {name for name, _ in network.named_buffers()}
    tensors = {
        key: (value.float() if key in exact else value.half()).contiguous().cpu()
        for key, value in network.state_dict().items()
    }
    card = replace(card, sha256=digest(card, tensors))
    blob = in_fixed_order(safetensors.torch.save(tensors, metadata=card.to_header()))
    publish(path, lambda file: file.write(blob), overwrite=True)
    return card


def in_fixed_order(blob: bytes) -> bytes:
    """Sort the card's fields in a file of safetensors, which writes them in any order.

    So equal weights are equal files.
    """
    (size,) = struct.unpack("<Q", blob[:8])
    header = json.loads(blob[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors start on a multiple of eight
    return struct.pack("<Q", len(text)) + text + blob[8 + size :]
