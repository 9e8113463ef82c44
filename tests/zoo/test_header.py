import json
import os
import struct
from pathlib import Path

import pytest

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.header import HEADER_LIMIT, parse_header, read_bytes, read_card, read_header
from darkroom.zoo.weights import load_weights


def with_header(text: bytes) -> bytes:
    padded = text + b" " * (-len(text) % 8)
    return struct.pack("<Q", len(padded)) + padded


def test_the_card_is_read_without_the_tensors(small_model: str) -> None:
    card = load_weights(Path(small_model)).card
    beginning = Path(small_model).read_bytes()
    size = struct.unpack("<Q", beginning[:8])[0]
    Path(small_model).write_bytes(beginning[: 8 + size])
    assert read_card(Path(small_model)) == card


def test_a_header_is_read_as_it_is_written() -> None:
    header = {"__metadata__": {"name": "x"}}
    blob = with_header(json.dumps(header, separators=(",", ":")).encode())
    assert parse_header(blob, "x") == header
    assert read_header(blob, "x") == {"name": "x"}


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"short",
        with_header(b"{ }"),
        with_header(b"[]"),
        with_header(b'{"a":1,"a":2}'),
        struct.pack("<Q", HEADER_LIMIT + 8) + b"{}",
    ],
)
def test_other_headers_are_refused(blob: bytes) -> None:
    with pytest.raises(EnvironmentProblem):
        parse_header(blob, "x.safetensors")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (read_bytes, read_card):
        with pytest.raises(EnvironmentProblem, match="no regular file"):
            read(tmp_path / "pipe")
        with pytest.raises(EnvironmentProblem, match="cannot be read"):
            read(tmp_path / "none")
