"""What a picture file says beside its pixels: which camera facts travel on, and how they are kept.

Entries come from the RAW file (see `darkroom.picture.ifd` for their form). Only facts that stay
true for the new file travel: who, when, where and with which camera and lens. Anything about the
old file's pixels, offsets or private data stays behind.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from darkroom.picture.icc import icc_profile
from darkroom.picture.ifd import (
    ASCII,
    BYTE,
    SHORT,
    UNDEFINED,
    ExifEntry,
    encode_values,
    tiff_block,
)

DESCRIPTION, MAKE, MODEL, ORIENTATION, SOFTWARE = 270, 271, 272, 274, 305
EXIF_VERSION, FLASHPIX_VERSION, COLOR_SPACE = 36864, 40960, 40961
SRGB, UNCALIBRATED = 1, 65535
LONGEST_TEXT, LONGEST_BYTES = 4096, 65536

# ImageDescription, Make, Model, DateTime, Artist, Rating, RatingPercent, Copyright
IMAGE_TAGS = frozenset({270, 271, 272, 306, 315, 18246, 18249, 33432})

# MakerNote (offsets into the old file), pointers, and facts of the old file's pixels:
# ComponentsConfiguration, CompressedBitsPerPixel, pixel dimensions, CFAPattern, Gamma;
# ExifVersion and ColorSpace are written anew
LEFT_BEHIND = frozenset({36864, 37121, 37122, 37500, 40961, 40962, 40963, 40965, 41730, 42240})
FIRST_PRIVATE_TAG = 49152  # PrintIM, DNG and vendors' own tags


@dataclass(frozen=True)
class PictureMetadata:
    """What a written picture says about itself.

    Attributes:
        exif: entries of the source file; unsuitable ones are left out when writing.
        icc: ICC profile of the pixels; None means plain sRGB.
        software: name and version of the program.
        description: one line for ImageDescription, "" to keep the source's own.
    """

    exif: tuple[ExifEntry, ...] = field(default=(), repr=False)
    icc: bytes | None = field(default=None, repr=False)
    software: str = "darkroom"
    description: str = ""


def safe_text(text: str) -> str:
    r"""Return `text` without control and direction-changing characters, at most 4096 long.

    >>> safe_text("A\x1b[31mB\u202e\0 ")
    'A[31mB'
    """
    kept = (char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs"))
    return "".join(kept).strip()[:LONGEST_TEXT]


def carried_entries(entries: Iterable[ExifEntry]) -> tuple[ExifEntry, ...]:
    """Return the entries that may move to another file, their texts made safe."""
    return tuple(_with_safe_text(entry) for entry in entries if _travels(entry))


def without_gps(entries: Iterable[ExifEntry]) -> tuple[ExifEntry, ...]:
    """Return the entries without the place where the picture was taken."""
    return tuple(entry for entry in entries if entry[0] != "gps")


def picture_entries(metadata: PictureMetadata) -> tuple[ExifEntry, ...]:
    """Return all entries of a finished, upright picture; of equal tags the last one counts."""
    is_srgb = metadata.icc in (None, icc_profile("srgb"))
    own: list[ExifEntry] = [
        ("image", ORIENTATION, SHORT, (1,)),  # pixels are written upright
        ("image", SOFTWARE, ASCII, safe_text(metadata.software)),
        ("exif", COLOR_SPACE, SHORT, (SRGB if is_srgb else UNCALIBRATED,)),
    ]
    if metadata.description:
        own.append(("image", DESCRIPTION, ASCII, safe_text(metadata.description)))
    return versioned((*carried_entries(metadata.exif), *own))


def versioned(entries: tuple[ExifEntry, ...]) -> tuple[ExifEntry, ...]:
    """Add the version tags that the EXIF 2.32 standard demands of its two directories."""
    gps: list[ExifEntry] = []
    if any(entry[0] == "gps" for entry in entries):
        gps = [("gps", 0, BYTE, bytes([2, 3, 0, 0]))]
    versions: list[ExifEntry] = [
        ("exif", EXIF_VERSION, UNDEFINED, b"0232"),
        ("exif", FLASHPIX_VERSION, UNDEFINED, b"0100"),
    ]
    return (*entries, *versions, *gps)


def exif_block(metadata: PictureMetadata) -> bytes:
    """Return the EXIF of a picture as one block: a TIFF structure, as a PNG eXIf chunk holds it."""
    return tiff_block(picture_entries(metadata))


def _travels(entry: ExifEntry) -> bool:
    directory, tag, kind, values = entry
    if directory == "image" and tag not in IMAGE_TAGS:
        return False
    if directory == "exif" and (tag in LEFT_BEHIND or tag >= FIRST_PRIVATE_TAG):
        return False
    if directory not in ("image", "exif", "gps"):
        return False
    try:
        count, encoded = encode_values(kind, values)
    except ValueError:  # a camera's slip must not cost the picture
        return False
    return count > 0 and len(encoded) <= LONGEST_BYTES


def _with_safe_text(entry: ExifEntry) -> ExifEntry:
    directory, tag, kind, values = entry
    return (directory, tag, kind, safe_text(values)) if isinstance(values, str) else entry
