"""The directories of a TIFF-like RAW file, walked with bounded work before any decoder sees them.

Only the tags that guards and colours need are read (TIFF 6.0; DNG 1.7, Adobe).
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from darkroom.errors import FailureCode, FileProblem

MAX_DIRECTORIES = 40
MAX_ENTRIES = 2000
MAX_VALUES = 200_000

# TIFF 6.0, Olympus ("OR", "SR") and Panasonic ("U") put their own number after the byte order.
TIFF_MAGICS = frozenset({42, 0x55, 0x4F52, 0x5352})
PANASONIC_MAGIC = 0x55

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
MAKE, MODEL, STRIP_OFFSETS, SAMPLES, STRIP_BYTES = 271, 272, 273, 277, 279
TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES = 324, 325, 330
PANASONIC_WIDTH, PANASONIC_HEIGHT, PANASONIC_FORMAT, PANASONIC_OFFSET = 2, 3, 45, 280
CFA_DIM, CFA_PATTERN, DNG_VERSION = 33421, 33422, 50706
BLACK_REPEAT_DIM, BLACK_LEVEL, WHITE_LEVEL = 50713, 50714, 50717
SAMPLE_FORMAT, FLOATS = 339, 3
COLOR_MATRICES = (50721, 50722, 52531)
ILLUMINANTS = (50778, 50779, 52529)
ANALOG_BALANCE, AS_SHOT_NEUTRAL, AS_SHOT_WHITE_XY, NOISE_PROFILE = 50727, 50728, 50729, 51041
ACTIVE_AREA = 50829

WANTED = frozenset(
    {WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, MAKE, MODEL, SAMPLES, SAMPLE_FORMAT}
    | {STRIP_OFFSETS, STRIP_BYTES, TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES}
    | {PANASONIC_WIDTH, PANASONIC_HEIGHT, PANASONIC_FORMAT, PANASONIC_OFFSET}
    | {CFA_DIM, CFA_PATTERN, DNG_VERSION, BLACK_REPEAT_DIM, BLACK_LEVEL, WHITE_LEVEL}
    | {*COLOR_MATRICES, *ILLUMINANTS}
    | {ANALOG_BALANCE, AS_SHOT_NEUTRAL, AS_SHOT_WHITE_XY, NOISE_PROFILE, ACTIVE_AREA}
)

# TIFF type -> (struct letter, bytes of one value); rationals are two integers.
FORMATS = {
    1: ("B", 1),
    2: ("s", 1),
    3: ("H", 2),
    4: ("I", 4),
    5: ("I", 8),
    6: ("b", 1),
    7: ("B", 1),
    8: ("h", 2),
    9: ("i", 4),
    10: ("i", 8),
    11: ("f", 4),
    12: ("d", 8),
    13: ("I", 4),
}
ASCII, RATIONALS = 2, (5, 10)


@dataclass(frozen=True)
class Directory:
    """One TIFF directory: numbers by tag (x/0 reads as NaN) and texts by tag."""

    numbers: dict[int, tuple[float, ...]]
    texts: dict[int, bytes]

    def first(self, tag: int, otherwise: int = 0) -> int:
        """Return the first value of a whole-number tag."""
        values = self.numbers.get(tag, ())
        return int(values[0]) if values and values[0] == values[0] else otherwise


@dataclass(frozen=True)
class Tiff:
    """What a TIFF-like file contains: its magic number and every directory, first one first."""

    magic: int
    directories: tuple[Directory, ...]

    @property
    def is_dng(self) -> bool:
        """Whether a directory carries DNGVersion."""
        return any(DNG_VERSION in directory.numbers for directory in self.directories)

    def numbers(self, tag: int) -> tuple[float, ...]:
        """Return the values of `tag` in the first directory that has it, () without one."""
        found = (entry.numbers[tag] for entry in self.directories if tag in entry.numbers)
        return next(found, ())

    def text(self, tag: int) -> bytes:
        """Return the text of `tag` in the first directory that has it, b"" without one."""
        return next((entry.texts[tag] for entry in self.directories if tag in entry.texts), b"")


def tiff_magic(head: bytes) -> int:
    r"""Return the number after the byte order mark, 0 for files that are not TIFF-like.

    >>> tiff_magic(b"II*\0"), tiff_magic(b"MM\0*"), tiff_magic(b"FUJI")
    (42, 42, 0)
    """
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 4:
        return 0
    magic = int(struct.unpack(order + "H", head[2:4])[0])
    return magic if magic in TIFF_MAGICS else 0


def read_tiff(file: BinaryIO, size: int) -> Tiff:
    """Read every directory of a TIFF-like file of `size` bytes; loops are walked once.

    Raises:
        FileProblem: a directory or a value lies behind the end of the file, or there are too many.
    """
    head = read_at(file, 0, 8, size)
    order = "<" if head[:2] == b"II" else ">"
    waiting = [int(struct.unpack(order + "I", head[4:])[0])]
    seen: dict[int, Directory] = {}
    while waiting:
        offset = waiting.pop(0)
        if offset == 0 or offset in seen:
            continue
        if len(seen) == MAX_DIRECTORIES:
            raise corrupt(f"more than {MAX_DIRECTORIES} directories")
        directory, following = read_directory(file, size, offset, order)
        seen[offset] = directory
        waiting += [int(value) for value in directory.numbers.get(SUB_DIRECTORIES, ())]
        # Some cameras leave rubbish in the last link; every reader ignores it.
        waiting += [following] if following < size else []
    return Tiff(tiff_magic(head), tuple(seen.values()))


def read_directory(file: BinaryIO, size: int, offset: int, order: str) -> tuple[Directory, int]:
    """Read the directory at `offset`; return it and the offset of the next one."""
    (count,) = struct.unpack(order + "H", read_at(file, offset, 2, size))
    if count > MAX_ENTRIES:
        raise corrupt(f"a directory claims {count} entries")
    block = read_at(file, offset + 2, 12 * count + 4, size)
    numbers: dict[int, tuple[float, ...]] = {}
    texts: dict[int, bytes] = {}
    for start in range(0, 12 * count, 12):
        tag, kind, values = struct.unpack(order + "HHI", block[start : start + 8])
        if tag not in WANTED or kind not in FORMATS:
            continue
        stored = read_values(file, size, order, (tag, kind, values), block[start + 8 : start + 12])
        if kind == ASCII:
            texts[tag] = stored.split(b"\0")[0]
        else:
            numbers[tag] = decode(stored, kind, order)
    return Directory(numbers, texts), int(struct.unpack(order + "I", block[-4:])[0])


def read_values(
    file: BinaryIO, size: int, order: str, entry: tuple[int, int, int], field: bytes
) -> bytes:
    """Return the bytes of an entry, from its own field or from where the field points."""
    tag, kind, values = entry
    if values > MAX_VALUES:
        raise corrupt(f"tag {tag} claims {values} values")
    length = FORMATS[kind][1] * values
    if length <= 4:
        return field[:length]
    return read_at(file, struct.unpack(order + "I", field)[0], length, size)


def decode(stored: bytes, kind: int, order: str) -> tuple[float, ...]:
    r"""Turn the bytes of an entry into numbers.

    >>> decode(b"\1\0\0\0\2\0\0\0", 5, "<")
    (0.5,)
    """
    letter, length = FORMATS[kind]
    step = length // 2 if kind in RATIONALS else length
    values = struct.unpack(f"{order}{len(stored) // step}{letter}", stored)
    if kind not in RATIONALS:
        return tuple(values)
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple(above / below if below else float("nan") for above, below in pairs)


def read_at(file: BinaryIO, offset: int, length: int, size: int) -> bytes:
    """Read `length` bytes at `offset`, refuse what lies behind the end of the file."""
    if offset + length > size:
        raise FileProblem(
            FailureCode.TRUNCATED,
            f"the file has {size} bytes, its structure needs {offset + length}",
            "copy it again from the card",
        )
    file.seek(offset)
    return file.read(length)


def corrupt(what: str) -> FileProblem:
    """Return the error for a structure no camera writes."""
    return FileProblem(
        FailureCode.CORRUPT, f"damaged file structure: {what}", "copy it again from the card"
    )
