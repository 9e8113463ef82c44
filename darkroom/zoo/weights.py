"""Weights files: safetensors with their card in the header, read once, hashed, then trusted.

The header is parsed here and the tensors are built from the very bytes that were hashed, so that
nothing can change between check and use. No pickle is involved.
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from darkroom.errors import EnvironmentProblem
from darkroom.networks import NETWORKS, Network
from darkroom.publish import publish
from darkroom.zoo.card import Card, card_from_header

HEADER_LIMIT = 1 << 20  # bytes of JSON
FILE_LIMIT = 1 << 30


@dataclass(frozen=True)
class Weights:
    """A card and the tensors it speaks of, already verified."""

    card: Card
    tensors: dict[str, Tensor]


def digest(card: Card, tensors: dict[str, Tensor]) -> str:
    """Return the sha256 over the card and the names, types, shapes and values of the tensors."""
    facts = card.model_copy(update={"sha256": ""}).to_header()
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().contiguous().cpu()
        sha.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def read_header(blob: bytes, source: str) -> dict[str, str]:
    """Return the metadata of a safetensors file; raise EnvironmentProblem if it is none."""
    size = struct.unpack("<Q", blob[:8])[0] if len(blob) >= 8 else 0
    if not 2 <= size <= min(HEADER_LIMIT, len(blob) - 8):
        raise EnvironmentProblem(f"{source} is no safetensors file, or it was cut short")
    try:
        metadata = json.loads(blob[8 : 8 + size]).get("__metadata__") or {}
    except (ValueError, AttributeError):
        raise EnvironmentProblem(f"{source} has a damaged header") from None
    return {str(key): str(value) for key, value in metadata.items()}


def read_bytes(path: Path) -> bytes:
    """Read a weights file whole."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise EnvironmentProblem(
                f"{path} is too large for weights ({FILE_LIMIT} bytes at most)"
            )
        return path.read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"weights {path} cannot be read: {error.strerror}") from None


def read_card(path: Path) -> Card:
    """Return the card of a weights file without looking at its tensors."""
    return card_from_header(read_header(read_bytes(path), str(path)), str(path))


def load_weights(path: Path) -> Weights:
    """Read and verify a weights file.

    Raises:
        EnvironmentProblem: it cannot be read, its digest or its tensors do not fit its card.
    """
    blob = read_bytes(path)
    card = card_from_header(read_header(blob, str(path)), str(path))
    try:
        tensors = safetensors.torch.load(blob)
    except (SafetensorError, ValueError, KeyError) as error:
        raise EnvironmentProblem(f"{path} is damaged: {error}") from None
    if digest(card, tensors) != card.sha256:
        raise EnvironmentProblem(f"{path} is damaged: its sha256 is not its card's; get it again")
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise EnvironmentProblem(f"{path} holds values that are not numbers")
    build_network(Weights(card, tensors), device="meta")
    return Weights(card, tensors)


def verify(path: Path) -> Card:
    """Check a weights file completely and return its card."""
    return load_weights(path).card


def build_network(weights: Weights, *, device: str) -> Network:
    """Return the network with its weights, in float32, ready for inference.

    Raises:
        EnvironmentProblem: the card names no known network or the tensors do not fit it.
    """
    card = weights.card
    if card.network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise EnvironmentProblem(f"unknown network {card.network!r} in the card; known: {known}")
    try:
        with torch.device("meta"):
            network = NETWORKS[card.network](**card.config)
        if device != "meta":
            network = network.to_empty(device=device)
        tensors = {key: value.to(device, torch.float32) for key, value in weights.tensors.items()}
        network.load_state_dict(tensors, assign=device != "meta")
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise EnvironmentProblem(
            f"the weights do not fit network {card.network}: {reason}"
        ) from None
    network.eval().requires_grad_(False)
    return network


def save_weights(path: Path, card: Card, network: nn.Module) -> Card:
    """Write a network's weights in half precision with its card; return the card with digest."""
    tensors = {key: value.half().contiguous().cpu() for key, value in network.state_dict().items()}
    card = card.model_copy(update={"sha256": digest(card, tensors)})
    publish(
        path,
        lambda part: safetensors.torch.save_file(tensors, part, metadata=card.to_header()),
        overwrite=True,
    )
    return card
