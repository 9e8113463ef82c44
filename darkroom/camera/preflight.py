"""Structural check of a RAW file before LibRaw sees it: pure Python, bounded work.

LibRaw decodes some truncated files without an error (Sony ARW2 and lossy DNG, for example), waits
for ever on a FIFO, and believes any size a header claims. Comparing what the structure promises
with what the file holds finds these cases in microseconds. It cannot see flipped samples.
"""

import stat
import struct
from pathlib import Path
from typing import BinaryIO

from darkroom.camera import directories as tags
from darkroom.camera.directories import Directory, Tiff, read_tiff, tiff_magic
from darkroom.camera.signatures import HEAD_BYTES, foreign_type
from darkroom.errors import FailureCode, FileProblem

MAX_PIXELS = 256_000_000  # the largest sensors have 150 MP
MIN_BYTES = 256  # no RAW file is smaller
PIXELS_PER_BYTE = 20  # the strongest compression met in real files needs 0.26 bytes a pixel

UNCOMPRESSED, LOSSLESS_JPEG = 1, 7
JPEG_START = b"\xff\xd8"
WHITE_IS_ZERO, BLACK_IS_ZERO, CFA, LINEAR_RAW = 0, 1, 32803, 34892
NO_OFFSET = 0xFFFFFFFF
COPY_AGAIN = "copy it again from the card"


def preflight(path: Path) -> Tiff | None:
    """Check that a file is a whole RAW file as far as its structure shows.

    Returns:
        Its TIFF directories, None for formats with another structure (CR3, RAF, ...).

    Raises:
        FileProblem: not a regular file, empty, another file type, truncated, too big or with
            impossible levels.
    """
    try:
        size = regular_size(path)
        with path.open("rb") as file:
            return check_structure(file, size)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FileProblem(FailureCode.CORRUPT, f"cannot be read: {reason}") from error


def regular_size(path: Path) -> int:
    """Return the size of a regular file; never opens a FIFO or a device."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        dangling = path.is_symlink()
        what = "is a link to a file that does not exist" if dangling else "does not exist"
        raise FileProblem(FailureCode.NOT_REGULAR, what) from error
    if stat.S_ISDIR(status.st_mode):
        raise FileProblem(FailureCode.NOT_REGULAR, "is a folder", "name the files inside it")
    if not stat.S_ISREG(status.st_mode):
        raise FileProblem(FailureCode.NOT_REGULAR, "is not a regular file (a pipe or a device)")
    if status.st_size == 0:
        raise FileProblem(FailureCode.EMPTY, "the file is empty (0 bytes)", COPY_AGAIN)
    return status.st_size


def check_structure(file: BinaryIO, size: int) -> Tiff | None:
    """Check an open file of `size` bytes by the structure its first bytes announce."""
    head = file.read(HEAD_BYTES)
    name = foreign_type(head)
    if name and size >= len("RAW"):
        raise FileProblem(FailureCode.NOT_RAW, f"is {name}, not a RAW file")
    if size < MIN_BYTES:
        raise truncated(f"the file has only {size} bytes")
    if tiff_magic(head):
        tiff = read_tiff(file, size)
        check_tiff(tiff, size)
        check_jpeg_starts(file, max(tiff.directories, key=pixels))
        return tiff
    if head[:15] == b"FUJIFILMCCD-RAW":
        check_fuji(head, size)
    elif head[4:8] == b"ftyp":
        check_boxes(file, size)
    return None


def check_tiff(tiff: Tiff, size: int) -> None:
    """Check every directory of a TIFF-like file against the file's size."""
    if not tiff.directories:
        raise tags.corrupt("no directory")
    for directory in tiff.directories:
        check_extents(directory, size)
    if tiff.magic == tags.PANASONIC_MAGIC:
        check_panasonic(tiff.directories[0], size)
    largest = max(tiff.directories, key=pixels)
    check_pixels(largest)
    check_levels(largest)
    check_not_grey(tiff, largest)


def pixels(directory: Directory) -> int:
    """Return the number of pixels a directory announces."""
    return directory.first(tags.WIDTH) * directory.first(tags.HEIGHT)


def check_extents(directory: Directory, size: int) -> None:
    """Check that every strip and tile lies inside the file."""
    numbers = directory.numbers
    for where, how_many in (
        (tags.STRIP_OFFSETS, tags.STRIP_BYTES),
        (tags.TILE_OFFSETS, tags.TILE_BYTES),
    ):
        offsets, lengths = numbers.get(where, ()), numbers.get(how_many, ())
        if offsets and lengths and len(offsets) != len(lengths):
            raise tags.corrupt(f"{len(offsets)} offsets for {len(lengths)} lengths")
        pairs = zip(offsets, lengths, strict=False)
        end = max((int(at + n) for at, n in pairs if at != NO_OFFSET), default=0)
        if end > size:
            raise truncated(f"the file ends at byte {size}, its image data needs {end}")


def check_pixels(directory: Directory) -> None:
    """Check that the image data can hold the size its directory claims."""
    claimed, numbers = pixels(directory), directory.numbers
    shape = f"{directory.first(tags.WIDTH)} x {directory.first(tags.HEIGHT)}"
    if claimed > MAX_PIXELS:
        raise too_big(shape)
    stored = int(sum(numbers.get(tags.STRIP_BYTES, ())) + sum(numbers.get(tags.TILE_BYTES, ())))
    if not claimed or not stored:
        return
    needed = claimed / PIXELS_PER_BYTE
    if directory.first(tags.COMPRESSION, UNCOMPRESSED) == UNCOMPRESSED:
        bits = directory.first(tags.BITS) * directory.first(tags.SAMPLES, 1)
        needed = max(needed, claimed * bits / 8)
    if stored < needed:
        raise truncated(f"{stored} bytes of image data cannot hold {shape} pixels")


def check_jpeg_starts(file: BinaryIO, directory: Directory) -> None:
    """Check that every lossless JPEG tile begins as one.

    LibRaw skips a tile without that mark and hands out memory it never wrote, which may hold the
    picture decoded before.
    """
    if directory.first(tags.COMPRESSION) != LOSSLESS_JPEG:
        return
    numbers = directory.numbers
    offsets = numbers.get(tags.TILE_OFFSETS) or numbers.get(tags.STRIP_OFFSETS, ())
    for index, offset in enumerate(offsets):
        file.seek(int(offset))
        if file.read(len(JPEG_START)) != JPEG_START:
            raise tags.corrupt(f"part {index + 1} of {len(offsets)} of its image data")


def check_levels(directory: Directory) -> None:
    """Check that black lies below white where the file states both."""
    black = directory.numbers.get(tags.BLACK_LEVEL)
    white = directory.numbers.get(tags.WHITE_LEVEL)
    if black and white and not max(black) < min(white):
        raise FileProblem(
            FailureCode.METADATA,
            f"its black level {max(black):g} is not below its white level {min(white):g}",
        )


def check_not_grey(tiff: Tiff, largest: Directory) -> None:
    """Refuse single-channel TIFF pictures, which LibRaw would take for a Bayer mosaic."""
    has_colours = tiff.numbers(tags.CFA_PATTERN) or tiff.numbers(tags.CFA_DIM)
    photometric = largest.first(tags.PHOTOMETRIC, CFA)
    if tiff.magic != 42 or has_colours or largest.first(tags.SAMPLES, 1) != 1:
        return
    if tiff.is_dng and photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, LINEAR_RAW):
        raise FileProblem(
            FailureCode.NOT_BAYER, "comes from a monochrome sensor; darkroom needs a Bayer sensor"
        )
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        raise FileProblem(FailureCode.NOT_RAW, "is a grey TIFF picture, not a RAW file")


def check_panasonic(directory: Directory, size: int) -> None:
    """Check an RW2 file, whose directory states the unpacked size of its data.

    Formats 4 to 7 pack at most 14 pixels into 16 bytes, older ones 1 into 2; 8 is variable.
    """
    count = directory.first(tags.PANASONIC_WIDTH) * directory.first(tags.PANASONIC_HEIGHT)
    if count > MAX_PIXELS:
        raise too_big(f"{count // 1_000_000} million")
    old = directory.first(tags.PANASONIC_FORMAT) <= 7
    needed = directory.first(tags.PANASONIC_OFFSET) + int(count * (8 / 7 if old else 1 / 20))
    if needed > size:
        raise truncated(f"the file ends at byte {size}, its image data needs about {needed}")


def check_fuji(head: bytes, size: int) -> None:
    """Check that preview, header and sensor data of a RAF file lie inside the file."""
    if len(head) < 108:
        raise truncated(f"the file has only {size} bytes")
    at_preview, preview, at_header, header, at_sensor, sensor = struct.unpack(">6I", head[84:108])
    end = max(at_preview + preview, at_header + header, at_sensor + sensor)
    if end > size:
        raise truncated(f"the file ends at byte {size}, its image data needs {end}")


def check_boxes(file: BinaryIO, size: int) -> None:
    """Check that the top-level boxes of a CR3 file end where the file ends (ISO 14496-12)."""
    offset = 0
    while 0 <= offset <= size - 16:
        file.seek(offset)
        length, _, long_length = struct.unpack(">I4sQ", file.read(16))
        length = {0: size - offset, 1: long_length}.get(length, length)
        if length < 8:
            raise tags.corrupt(f"a box of {length} bytes")
        offset += length
    if offset > size:
        raise truncated(f"the file ends at byte {size}, its image data needs {offset}")


def truncated(what: str) -> FileProblem:
    """Return the error for a file that is shorter than it says."""
    return FileProblem(FailureCode.TRUNCATED, what, COPY_AGAIN)


def too_big(shape: str) -> FileProblem:
    """Return the error for a frame above the size limit."""
    limit = MAX_PIXELS // 1_000_000
    return FileProblem(FailureCode.TOO_BIG, f"claims {shape} pixels; the limit is {limit} MP")
