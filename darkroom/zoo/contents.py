"""Weights files, read once, hashed, then trusted; without the library that computes.

The card and the tensors are taken from the very bytes that were read and hashed, so that nothing
can change between check and use. No pickle is involved. Every byte counts: tensors and card are
under the digest, and the header must be written exactly as safetensors writes it, padding included.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy
from safetensors import SafetensorError

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.card import Card, Task, card_from_header, check_task
from darkroom.zoo.find import locate
from darkroom.zoo.header import parse_header, read_bytes, read_header

Array = npt.NDArray[Any]

TYPES = {"F16", "F32"}
SPELT = {"float16": "torch.float16", "float32": "torch.float32"}  # in the digest


@dataclass(frozen=True)
class Contents:
    """A weights file that was verified: its card, its bytes, and the tensors in them."""

    card: Card
    blob: bytes
    tensors: dict[str, Array]


def read_contents(path: Path) -> Contents:
    """Read and verify a weights file; whether its tensors fit its network is not looked at.

    Raises:
        EnvironmentProblem: it cannot be read, or its digest is not its card's.
    """
    blob, source = read_bytes(path), str(path)
    card = card_from_header(read_header(blob, source), source)
    tensors = parse_arrays(blob, source)
    if digest(card, tensors) != card.sha256:
        raise EnvironmentProblem(f"{path} is damaged: its sha256 is not its card's; get it again")
    if not all(bool(np.isfinite(tensor).all()) for tensor in tensors.values()):
        raise EnvironmentProblem(f"{path} holds values that are not numbers")
    return Contents(card, blob, tensors)


def contents_for(task: Task, model: str) -> Contents:
    """Find the weights of a model given by name or by path, and verify them.

    Raises:
        EnvironmentProblem: there are none, or they are damaged.
        UsageProblem: they are for another task.
    """
    contents = read_contents(locate(model))
    check_task(contents.card, task)
    return contents


def digest(card: Card, tensors: Mapping[str, Array]) -> str:
    """Return the sha256 over the card and the names, types, shapes and values of the tensors."""
    facts = card.to_header() | {"sha256": json.dumps("")}
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = np.asarray(tensors[name], order="C")
        sha.update(f"{name} {SPELT[tensor.dtype.name]} {list(tensor.shape)}\n".encode())
        sha.update(tensor.reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def parse_arrays(blob: bytes, source: str) -> dict[str, Array]:
    """Return the tensors of a safetensors file that is held in memory.

    Raises:
        EnvironmentProblem: it is damaged, or holds other types than half and single precision.
    """
    entries = [entry for name, entry in parse_header(blob, source).items() if name[:2] != "__"]
    types = {str(entry.get("dtype")) if isinstance(entry, dict) else "?" for entry in entries}
    if not types <= TYPES:
        odd = ", ".join(sorted(types - TYPES))
        raise EnvironmentProblem(f"{source} holds values of type {odd}; weights are F16 or F32")
    try:
        return safetensors.numpy.load(blob)
    except (SafetensorError, ValueError, KeyError) as error:
        raise EnvironmentProblem(f"{source} is damaged: {error}; get it again") from None
