"""The sorted table of LevelDB, which holds the index of a TensorFlow checkpoint.

Written from the description of the format in LevelDB's documentation (table_format.md): a footer
names the index block, that names the data blocks. Their entries share the beginnings of their keys.
"""

import struct
from collections.abc import Iterator

from darkroom.zoo.foreign.crc32c import crc32c, masked

MAGIC = bytes.fromhex("57fb808b247547db")  # the last bytes of every such file
FOOTER, TRAILER = 48, 5  # bytes
LONGEST_VARINT = 10
PLAIN, SNAPPY = 0, 1


class Damaged(ValueError):
    """The bytes are no such table; the text says why."""


def is_table(end: bytes) -> bool:
    """Whether a file that ends like this is a sorted table."""
    return end.endswith(MAGIC)


def read_table(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table in their order.

    Raises:
        Damaged: a part lies outside the file, a checksum is wrong, or blocks are compressed.
    """
    if len(table) < FOOTER or not is_table(table):
        raise Damaged("it does not end as an index")
    footer = table[-FOOTER:]
    block(table, footer)  # facts about the table, of which there are none
    _, at = varint(footer, varint(footer, 0)[1])
    for _, handle in entries(block(table, footer[at:])):
        yield from entries(block(table, handle))


def block(table: bytes, handle: bytes) -> bytes:
    """Return the block that a handle (offset and size) names."""
    offset, at = varint(handle, 0)
    size, _ = varint(handle, at)
    stored = table[offset : offset + size + TRAILER]
    if len(stored) != size + TRAILER:
        raise Damaged("it was cut short")
    kind, checksum = struct.unpack("<BI", stored[size:])
    if masked(crc32c(stored[: size + 1])) != checksum:
        raise Damaged("a checksum is wrong")
    if kind != PLAIN:
        name = "snappy" if kind == SNAPPY else f"method {kind}"
        raise Damaged(f"it is compressed ({name}), which is not supported")
    return stored[:size]


def entries(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a block."""
    if len(content) < 4:
        raise Damaged("a block is too short")
    (restarts,) = struct.unpack("<I", content[-4:])
    end = len(content) - 4 - 4 * restarts
    at, key = 0, b""
    while at < end:
        shared, at = varint(content, at)
        fresh, at = varint(content, at)
        length, at = varint(content, at)
        if shared > len(key) or at + fresh + length > end:
            raise Damaged("a block is inconsistent")
        key = key[:shared] + content[at : at + fresh]
        at += fresh + length
        yield key, content[at - length : at]


def varint(content: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, seven bits a byte, and where it ends.

    >>> varint(bytes([0xAC, 0x02]), 0)
    (300, 2)
    """
    value = 0
    for place, byte in enumerate(content[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise Damaged("a number does not end")
