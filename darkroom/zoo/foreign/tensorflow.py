"""Checkpoints of TensorFlow 1 and 2 (`model.ckpt.index`, `model.ckpt.data-…`), without TensorFlow.

The index is a sorted table: the key "" has the header, each other key is the name of a tensor, its
value says where in the data it lies. Fields as tensor_bundle.proto numbers them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from darkroom.zoo.foreign.crc32c import crc32c, masked
from darkroom.zoo.foreign.sorted_table import Damaged, read_table, varint

FLOAT = 1  # DT_FLOAT of types.proto
SHARDS, ENDIANNESS = 1, 2  # BundleHeaderProto
TYPE, SHAPE, SHARD, OFFSET, SIZE, CHECKSUM, SLICES = 1, 2, 3, 4, 5, 6, 7  # BundleEntryProto
DIMENSION, LENGTH = 2, 1  # TensorShapeProto
VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # wire types
OF_TRAINING = ("/Adam", "/Adam_1", "_power", "global_step")  # ends of names no network needs

Field = tuple[int, Any]


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies in the data: bytes, shape and masked checksum."""

    shape: tuple[int, ...]
    offset: int
    size: int
    checksum: int


def read_bundle(index: bytes, data: BinaryIO) -> dict[str, Tensor]:
    """Return the float32 tensors of a checkpoint, but for those that only training needs.

    Raises:
        Damaged: index and data do not belong together, or one of them is damaged.
    """
    found = dict(index_entries(index))
    return {name: tensor_of(name, entry, data) for name, entry in found.items()}


def index_entries(index: bytes) -> Iterator[tuple[str, Entry]]:
    """Yield the names and places of the tensors worth reading."""
    for key, value in read_table(index):
        fields = dict(fields_of(value))
        if not key:
            refuse_parts(fields)
            continue
        name = key.decode("utf-8", "replace")
        if fields.get(TYPE) == FLOAT and SLICES not in fields and not name.endswith(OF_TRAINING):
            yield name, entry_of(fields)


def refuse_parts(header: dict[int, Any]) -> None:
    """Refuse checkpoints in several data files, or of machines that are long gone."""
    if header.get(SHARDS, 1) != 1:
        raise Damaged(f"its data lies in {header[SHARDS]} files; only one is supported")
    if header.get(ENDIANNESS, 0):
        raise Damaged("it is big-endian, which is not supported")


def entry_of(fields: dict[int, Any]) -> Entry:
    """Return what an entry says."""
    dimensions = (
        dict(fields_of(value)).get(LENGTH, 0)
        for number, value in fields_of(fields.get(SHAPE, b""))
        if number == DIMENSION
    )
    shape = tuple(dimensions)
    entry = Entry(shape, fields.get(OFFSET, 0), fields.get(SIZE, 0), fields.get(CHECKSUM, 0))
    if entry.size != 4 * prod(shape) or fields.get(SHARD, 0):
        raise Damaged("a tensor has another size than its shape says")
    return entry


def tensor_of(name: str, entry: Entry, data: BinaryIO) -> Tensor:
    """Read one tensor and verify it."""
    data.seek(0, 2)
    if entry.offset + entry.size > data.tell():
        raise Damaged(f"the data file was cut short: {name} lies beyond its end")
    data.seek(entry.offset)
    content = data.read(entry.size)
    if masked(crc32c(content)) != entry.checksum:
        raise Damaged(f"the data file is damaged or of another checkpoint: see {name}")
    values = np.frombuffer(content, "<f4").astype(np.float32).reshape(entry.shape)
    return torch.from_numpy(values)


def fields_of(message: bytes) -> Iterator[Field]:
    """Yield the fields of a protocol buffer by number: ints, or bytes."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            size, at = varint(message, at)
        else:
            size = {FOUR_BYTES: 4, EIGHT_BYTES: 8}.get(kind, len(message))
        stored = message[at : at + size]
        if len(stored) != size:
            raise Damaged("an entry is cut short")
        at += size
        yield number, stored if kind == BYTES else int.from_bytes(stored, "little")
