"""RAW files for tests, made on the spot: any tag can be changed, removed or made wrong.

Little-endian TIFF 6.0 with the directory first and the image data last, as cameras write it, so
that cutting the end cuts image data.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL, DOUBLE = 1, 2, 3, 4, 5, 7, 10, 12
LETTERS = {SHORT: "H", LONG: "I", RATIONAL: "I", SRATIONAL: "i", DOUBLE: "d"}
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SRATIONAL: 8, DOUBLE: 8}

Entry = tuple[int, tuple[float, ...] | str | bytes]
Entries = dict[int, Entry]
Changes = Mapping[int, Entry | None]

CFA = {"RGGB": (0, 1, 1, 2), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1), "BGGR": (2, 1, 1, 0)}
# A made-up but plausible camera: XYZ (D65) to camera RGB.
MATRIX = np.array([[0.7, -0.2, -0.06], [-0.45, 1.25, 0.22], [-0.07, 0.18, 0.62]])
NEUTRAL = (0.5, 1.0, 0.625)


def rationals(values: npt.ArrayLike, over: int = 10_000) -> tuple[int, ...]:
    """Return numbers as numerator, denominator, numerator, ..."""
    return tuple(part for value in np.ravel(values) for part in (round(float(value) * over), over))


def packed(kind: int, values: tuple[float, ...] | str | bytes) -> bytes:
    """Return the bytes of one entry's values."""
    if isinstance(values, str):
        return values.encode() + b"\0"
    if kind in LETTERS and not isinstance(values, bytes):
        return struct.pack(f"<{len(values)}{LETTERS[kind]}", *values)
    return bytes(values)  # type: ignore[arg-type]


def directory(entries: Entries, start: int, following: int = 0) -> bytes:
    """Return one TIFF directory that begins at byte `start`, its values behind it."""
    table, behind = b"", b""
    values_at = start + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, values = entries[tag]
        stored = packed(kind, values)
        field = stored.ljust(4, b"\0")
        if len(stored) > 4:
            field = struct.pack("<I", values_at + len(behind))
            behind += stored + b"\0" * (len(stored) % 2)
        table += struct.pack("<HHI", tag, kind, len(stored) // SIZES[kind]) + field
    return struct.pack("<H", len(entries)) + table + struct.pack("<I", following) + behind


def tiff_bytes(entries: Entries, image: bytes, exif: Entries | None = None) -> bytes:
    """Return a TIFF file of one directory, an optional EXIF directory and one strip."""
    placed = dict(entries)
    placed.setdefault(273, (LONG, (0,)))
    placed.setdefault(279, (LONG, (len(image),)))
    if exif:
        placed[34665] = (LONG, (0,))
    exif_at = 8 + len(directory(placed, 8))
    image_at = exif_at + (len(directory(exif, exif_at)) if exif else 0)
    if 273 not in entries:
        placed[273] = (LONG, (image_at,))
    if exif:
        placed[34665] = (LONG, (exif_at,))
    head = b"II*\0" + struct.pack("<I", 8)
    return head + directory(placed, 8) + (directory(exif, exif_at) if exif else b"") + image


def dng_entries(
    shape: tuple[int, ...], phase: str, black: tuple[int, ...], white: int, bits: int
) -> Entries:
    """Return the tags of a Bayer DNG."""
    return {
        254: (LONG, (0,)),
        256: (LONG, (shape[1],)),
        257: (LONG, (shape[0],)),
        258: (SHORT, (bits,)),
        259: (SHORT, (1,)),
        262: (SHORT, (32803,)),
        271: (ASCII, "Testmaker"),
        272: (ASCII, "Testmaker One"),
        274: (SHORT, (1,)),
        277: (SHORT, (1,)),
        278: (LONG, (shape[0],)),
        284: (SHORT, (1,)),
        33421: (SHORT, (2, 2)),
        33422: (BYTE, bytes(CFA[phase])),
        50706: (BYTE, bytes((1, 4, 0, 0))),
        50707: (BYTE, bytes((1, 1, 0, 0))),
        50708: (ASCII, "Testmaker One"),
        50710: (BYTE, bytes((0, 1, 2))),
        50711: (SHORT, (1,)),
        50713: (SHORT, (2, 2)),
        50714: (SHORT, black),
        50717: (LONG, (white,)),
        50721: (SRATIONAL, rationals(MATRIX)),
        50728: (RATIONAL, rationals(NEUTRAL)),
        50778: (SHORT, (21,)),
    }


# What turns the Bayer DNG into one of a monochrome sensor, as cameras write it.
MONOCHROME: Changes = {
    262: (SHORT, (34892,)),
    50713: (SHORT, (1, 1)),
    50714: (SHORT, (512,)),
    **dict.fromkeys((33421, 33422, 50710, 50711, 50721, 50728, 50778)),
}

EXIF: Entries = {
    33434: (RATIONAL, (1, 30)),
    33437: (RATIONAL, (28, 10)),
    34855: (SHORT, (1600,)),
    36867: (ASCII, "2024:05:06 07:08:09"),
    37386: (RATIONAL, (35, 1)),
    42036: (ASCII, "Testlens 35mm F1.4"),
}


def dng_bytes(
    mosaic: npt.NDArray[np.uint16] | npt.NDArray[np.float32],
    *,
    phase: str = "RGGB",
    black: tuple[int, ...] = (512, 512, 512, 512),
    white: int = 16383,
    change: Changes | None = None,
    exif: Entries | None = EXIF,
) -> bytes:
    """Return a Bayer DNG; `change` replaces tags, None removes one."""
    entries = dng_entries(mosaic.shape, phase, black, white, 8 * mosaic.itemsize)
    for tag, entry in (change or {}).items():
        if entry is None:
            entries.pop(tag, None)
        else:
            entries[tag] = entry
    image = np.ascontiguousarray(mosaic, mosaic.dtype.newbyteorder("<")).tobytes()
    return tiff_bytes(entries, image, exif)


def write_dng(path: Path, mosaic: npt.NDArray[np.uint16], **options: object) -> Path:
    """Write `dng_bytes(mosaic, ...)` to a file and return its path."""
    path.write_bytes(dng_bytes(mosaic, **options))  # type: ignore[arg-type]
    return path


def noisy_mosaic(
    shape: tuple[int, int] = (96, 128), *, seed: int = 0, low: int = 600, high: int = 9000
) -> npt.NDArray[np.uint16]:
    """Return a mosaic of random counts: no row repeats another."""
    return np.random.default_rng(seed).integers(low, high, shape, dtype=np.uint16)
