"""TIFF directories as bytes: the one structure that TIFF, DNG and the EXIF of a PNG share.

An entry is a tuple `(directory, tag, type, values)`. Directories are "image" (IFD0), "exif" and
"gps". ASCII values are `str`; BYTE and UNDEFINED values are `bytes`; all others are flat tuples
of numbers, two of them for each RATIONAL. Everything is little-endian (TIFF 6.0, section 2).
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate

from darkroom.publish import BinaryFile

ExifEntry = tuple[str, int, int, object]

BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
UNDEFINED, SRATIONAL, DOUBLE = 7, 10, 12
FORMATS = {3: "H", 4: "I", 5: "I", 6: "b", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d"}
POINTERS = {"exif": 34665, "gps": 34853}
STRIP_OFFSETS, STRIP_LENGTHS = 273, 279

Row = tuple[int, int, int, bytes]  # tag, type, count, value


def encode_values(kind: int, values: object) -> tuple[int, bytes]:
    r"""Return count and bytes of the values of one entry of TIFF type `kind`.

    Raises:
        ValueError: the values do not fit the type, or the type is unknown.

    >>> encode_values(RATIONAL, (1, 30))
    (1, b'\x01\x00\x00\x00\x1e\x00\x00\x00')
    """
    if kind == ASCII and isinstance(values, str):
        text = values.encode() + b"\0"
        return len(text), text
    if kind in (BYTE, UNDEFINED) and isinstance(values, bytes):
        return len(values), values
    per_value = 2 if kind in (RATIONAL, SRATIONAL) else 1
    if kind not in FORMATS or not isinstance(values, tuple) or len(values) % per_value:
        raise ValueError(f"values {values!r} do not fit TIFF type {kind}")
    try:
        return len(values) // per_value, struct.pack(f"<{len(values)}{FORMATS[kind]}", *values)
    except struct.error as error:
        raise ValueError(f"values {values!r} do not fit TIFF type {kind}") from error


def tiff_block(entries: Iterable[ExifEntry]) -> bytes:
    """Return a TIFF header and the directories of `entries`; of equal tags the last one wins.

    IFD0 comes first; the pointers to the EXIF and GPS directories are added where they have
    entries. The length depends on types and counts only, never on the values.
    """
    tables: dict[str, dict[int, Row]] = {"image": {}, "exif": {}, "gps": {}}
    for directory, tag, kind, values in entries:
        tables[directory][tag] = (tag, kind, *encode_values(kind, values))
    used = [name for name in POINTERS if tables[name]]
    for name in used:
        tables["image"][POINTERS[name]] = (POINTERS[name], LONG, 1, bytes(4))
    starts = list(accumulate((_size(tables[name]) for name in ("image", *used)), initial=8))
    for name, start in zip(used, starts[1:], strict=False):
        tables["image"][POINTERS[name]] = (POINTERS[name], LONG, 1, struct.pack("<I", start))
    blocks = [_table(tables[name], at) for name, at in zip(("image", *used), starts, strict=False)]
    return struct.pack("<2sHI", b"II", 42, 8) + b"".join(blocks)


def write_tiff_file(
    file: BinaryFile,
    entries: Sequence[ExifEntry],
    strips: Iterable[bytes | memoryview],
    strip_count: int,
) -> None:
    """Write a little-endian TIFF of one picture, streaming its strips.

    The header goes in last, so that a file whose writing broke off is no TIFF at all.

    Args:
        file: an empty file to fill.
        entries: all tags but the offsets and lengths of the strips.
        strips: the encoded strips from the top.
        strip_count: how many there are.
    """
    start = len(tiff_block([*entries, *_strip_entries([0] * strip_count, 0)]))
    file.seek(start)
    lengths = [file.write(strip) for strip in strips]
    file.seek(0)
    file.write(tiff_block([*entries, *_strip_entries(lengths, start)]))


def _strip_entries(lengths: Sequence[int], start: int) -> list[ExifEntry]:
    offsets = tuple(accumulate(lengths[:-1], initial=start))
    return [
        ("image", STRIP_OFFSETS, LONG, offsets),
        ("image", STRIP_LENGTHS, LONG, tuple(lengths)),
    ]


def _even(value: bytes) -> bytes:
    return value + bytes(len(value) % 2)  # TIFF 6.0: a value starts on a word boundary


def _size(table: dict[int, Row]) -> int:
    values = sum(len(_even(row[3])) for row in table.values() if len(row[3]) > 4)
    return 2 + 12 * len(table) + 4 + values


def _table(table: dict[int, Row], start: int) -> bytes:
    """Serialise one directory for the file offset `start`: sorted rows, then long values."""
    rows, values = b"", b""
    values_start = start + 2 + 12 * len(table) + 4
    for tag, kind, count, value in sorted(table.values()):
        inline = value.ljust(4, b"\0")
        if len(value) > 4:
            inline = struct.pack("<I", values_start + len(values))
            values += _even(value)
        rows += struct.pack("<HHI", tag, kind, count) + inline
    return struct.pack("<H", len(table)) + rows + bytes(4) + values
