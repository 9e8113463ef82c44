"""The header of a weights file, which holds its card: read without the library that computes.

A program that only wants to know which weights it would use does not wait for torch.
"""

import json
import os
import struct
from pathlib import Path
from typing import Any

from darkroom.errors import EnvironmentProblem
from darkroom.regular_file import open_regular
from darkroom.zoo.card import Card, card_from_header

HEADER_LIMIT = 1 << 20  # bytes of JSON
FILE_LIMIT = 1 << 30


def read_bytes(path: Path) -> bytes:
    """Read a weights file whole.

    Raises:
        EnvironmentProblem: it cannot be read, is no file (a pipe, a device), or is too large.
    """
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > FILE_LIMIT:
                limit = FILE_LIMIT >> 20
                raise EnvironmentProblem(f"{path} is too large for weights ({limit} MB at most)")
            content = file.read(size + 1)
    except OSError as error:
        raise EnvironmentProblem(f"weights {path} cannot be read: {error.strerror}") from None
    if len(content) != size:
        raise EnvironmentProblem(f"{path} changed while it was read; try again")
    return content


def parse_header(blob: bytes, source: str) -> dict[str, Any]:
    """Return the header of a safetensors file: its entries by name.

    It must be the JSON that safetensors writes, byte for byte: no spaces but the padding to a
    multiple of eight, no name twice, no other way to write a letter. So every bit of it counts.

    Args:
        blob: the file, or its beginning with at least the header.
        source: the file's name, for the error.

    Raises:
        EnvironmentProblem: it is no safetensors file or its header is damaged.
    """
    size = struct.unpack("<Q", blob[:8])[0] if len(blob) >= 8 else 0
    if not 2 <= size <= min(HEADER_LIMIT, len(blob) - 8):
        raise EnvironmentProblem(f"{source} is no safetensors file, or it was cut short")
    raw = blob[8 : 8 + size]
    try:
        header = json.loads(raw.decode())
        canonical = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        canonical = b""
    if raw != canonical + b" " * (-len(canonical) % 8) or not isinstance(header, dict):
        raise EnvironmentProblem(f"{source} has a damaged header; get the file again")
    return header


def read_header(blob: bytes, source: str) -> dict[str, str]:
    """Return the metadata of a safetensors file; raise EnvironmentProblem if it is none."""
    metadata = parse_header(blob, source).get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise EnvironmentProblem(f"{source} has a damaged header; get the file again")
    return metadata


def read_card(path: Path) -> Card:
    """Return the card of a weights file without looking at its tensors.

    Raises:
        EnvironmentProblem: it cannot be read or holds no card.
    """
    try:
        with open_regular(path) as file:
            beginning = file.read(8 + HEADER_LIMIT)
    except OSError as error:
        raise EnvironmentProblem(f"weights {path} cannot be read: {error.strerror}") from None
    return card_from_header(read_header(beginning, str(path)), str(path))
