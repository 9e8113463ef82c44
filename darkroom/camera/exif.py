"""The EXIF entries worth carrying from a RAW file into the picture made of it (CIPA DC-008).

What describes the old file's structure (strips, colour filters, thumbnails, maker notes,
orientation) stays behind: it would be wrong in the new one.
"""

import io
import logging
import struct
import unicodedata
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, BinaryIO

from darkroom.camera.raw import ExifEntry, Exposure

MAX_TEXT = 4096
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SLONG, SRATIONAL = 1, 2, 3, 4, 5, 7, 9, 10
WHOLE, FRACTIONS, BYTES = (SHORT, LONG, SLONG), (RATIONAL, SRATIONAL), (BYTE, UNDEFINED)

MAKE, MODEL, LENS_MAKE, LENS_MODEL = 271, 272, 42035, 42036
EXPOSURE_TIME, F_NUMBER, ISO, DATE_TIME_ORIGINAL, FOCAL_LENGTH = 33434, 33437, 34855, 36867, 37386
ARTIST = 315

# Description, make, model, date, artist, copyright.
IMAGE_TAGS = frozenset({270, MAKE, MODEL, 306, ARTIST, 33432})
# Exposure, sensitivity, dates, lens, flash, metering, scene, owner and serial numbers.
EXIF_TAGS = frozenset(
    {EXPOSURE_TIME, F_NUMBER, 34850, ISO, 34864, 34866, DATE_TIME_ORIGINAL, 36868}
    | {36880, 36881, 36882, *range(37377, 37386), FOCAL_LENGTH, 37520, 37521, 37522}
    | {41986, 41987, 41989, 41990, 42032, 42033, 42034, LENS_MAKE, LENS_MODEL, 42037}
)
GPS_TAGS = frozenset(range(32))
# A zero here means "unknown".
POSITIVE_TAGS = frozenset(
    {EXPOSURE_TIME, F_NUMBER, ISO, 34866, 37377, 37378, 37381, FOCAL_LENGTH, 41989}
)

CANON_BOXES = ((b"CMT1", ""), (b"CMT2", "exif"), (b"CMT4", "gps"))
CONTAINER_HEAD = 1 << 16


def read_exif(file: BinaryIO) -> tuple[ExifEntry, ...]:
    """Read the entries to carry over, () where there are none; never raises on odd content.

    Canon CR3 and Fujifilm RAF hide their EXIF in boxes of their own, which are opened here.
    """
    entries: dict[tuple[str, int], ExifEntry] = {}
    for block, directory in exif_blocks(file):
        for entry in parse_entries(block, directory):
            entries.setdefault(entry[:2], entry)
    return tuple(entries[key] for key in sorted(entries))


def exif_blocks(file: BinaryIO) -> Iterable[tuple[BinaryIO, str]]:
    """Yield the parts of a file that exifread understands, with the directory they hold."""
    head = file.read(CONTAINER_HEAD)
    file.seek(0)
    if head[4:8] == b"ftyp":
        for name, directory in CANON_BOXES:
            at = head.find(name)
            if at >= 4:
                (length,) = struct.unpack(">I", head[at - 4 : at])
                yield io.BytesIO(head[at + 4 : at - 4 + length]), directory
    elif head[:15] == b"FUJIFILMCCD-RAW" and len(head) > 92:
        offset, length = struct.unpack(">II", head[84:92])
        file.seek(offset)
        yield io.BytesIO(file.read(min(length, CONTAINER_HEAD))), ""
    else:
        yield file, ""


@cache
def exif_reader() -> Any:
    """Load exifread; a program whose files are read by another process does without it."""
    import exifread  # noqa: PLC0415

    # It reports unknown files through logging, which would reach the terminal.
    logging.getLogger("exifread").addHandler(logging.NullHandler())
    return exifread


def parse_entries(block: BinaryIO, directory: str) -> list[ExifEntry]:
    """Parse one block; `directory` overrides the one exifread finds when it is not ""."""
    try:
        found = exif_reader().process_file(block, details=False, extract_thumbnail=False)
        return list(kept_entries(found, directory))
    except Exception:  # exifread raises anything on damaged files; a picture needs no EXIF
        return []


def kept_entries(found: Mapping[str, Any], directory: str) -> Iterable[ExifEntry]:
    """Yield the wanted entries among exifread's tags."""
    for key, tag in found.items():
        place = directory or key.partition(" ")[0].lower()
        number = int(getattr(tag, "tag", -1))
        if place in ("image", "exif"):
            place = "exif" if number in EXIF_TAGS else "image"
        wanted = {"image": IMAGE_TAGS, "exif": EXIF_TAGS, "gps": GPS_TAGS}.get(place, frozenset())
        if number not in wanted:
            continue
        kind = int(tag.field_type)
        values = entry_values(kind, tag.values)
        if values and not (number in POSITIVE_TAGS and is_zero(values)):
            yield (place, number, kind, values)


def entry_values(kind: int, values: Any) -> object:
    """Return values as an `ExifEntry` holds them, None for kinds that are not carried."""
    if kind == ASCII:
        return clean_text(values if isinstance(values, str | bytes) else bytes(values))
    if kind in BYTES:
        stored = values.encode("latin-1", "replace") if isinstance(values, str) else bytes(values)
        return stored if len(stored) <= MAX_TEXT else None
    if kind in WHOLE:
        return tuple(int(value) for value in values)
    if kind in FRACTIONS:
        return tuple(part for value in values for part in (int(value.num), int(value.den)))
    return None


def is_zero(values: object) -> bool:
    """Whether the first number is 0, or a fraction over 0."""
    numbers = values if isinstance(values, tuple) else (1,)
    return numbers[0] == 0 or (len(numbers) == 2 and numbers[1] == 0)


def clean_text(text: str | bytes) -> str:
    r"""Return text from a file made harmless: no control characters, at most 4 KB of UTF-8.

    >>> clean_text(b"Sm\xf6rebr\xf6d \x1b[31m\0")
    'Smörebröd [31m'
    """
    letters = text if isinstance(text, str) else decoded(text)
    # Category C: control, format (right-to-left marks), surrogate, private use, unassigned.
    shown = "".join(letter for letter in letters if unicodedata.category(letter)[0] != "C")
    return shown.encode("utf-8")[:MAX_TEXT].decode("utf-8", "ignore").strip()


def decoded(text: bytes) -> str:
    """Decode UTF-8, or Latin-1 where it is not UTF-8."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def text_of(entries: Iterable[ExifEntry], tag: int) -> str:
    """Return the text of a tag, "" without one."""
    return next((str(entry[3]) for entry in entries if entry[1] == tag and entry[2] == ASCII), "")


def exposure_of(entries: Iterable[ExifEntry]) -> Exposure:
    """Return shutter, ISO and aperture as the entries state them."""
    by_tag = {entry[1]: entry for entry in entries if entry[0] == "exif"}
    return Exposure(
        first_number(by_tag.get(EXPOSURE_TIME)),
        first_number(by_tag.get(ISO)),
        first_number(by_tag.get(F_NUMBER)),
    )


def first_number(entry: ExifEntry | None) -> float | None:
    """Return the first number of an entry, None without one or for 0 and x/0."""
    if entry is None or not isinstance(entry[3], tuple) or is_zero(entry[3]):
        return None
    values = entry[3]
    if entry[2] not in FRACTIONS:
        return float(values[0])
    return float(values[0] / values[1]) if values[1] else None


def exposure_entries(
    exposure: Exposure, *, focal_length: float = 0.0, artist: str = "", lens: str = ""
) -> tuple[ExifEntry, ...]:
    """Return entries for facts that the decoder found where no EXIF could be read."""
    fractions = (
        (EXPOSURE_TIME, exposure.seconds),
        (F_NUMBER, exposure.aperture),
        (FOCAL_LENGTH, focal_length),
    )
    entries: list[ExifEntry] = [
        ("exif", tag, RATIONAL, rational(value)) for tag, value in fractions if value
    ]
    if exposure.iso:
        entries.append(("exif", ISO, SHORT, (min(round(exposure.iso), 65535),)))
    if lens:
        entries.append(("exif", LENS_MODEL, ASCII, lens))
    if artist:
        entries.append(("image", ARTIST, ASCII, artist))
    return tuple(entries)


def rational(value: float) -> tuple[int, int]:
    """Return a float as the short fraction it came from.

    >>> rational(0.01666666753590107)
    (1, 60)
    """
    fraction = Fraction(value).limit_denominator(10_000)
    if fraction == 0:
        fraction = Fraction(1, round(1 / value))
    return fraction.numerator, fraction.denominator
