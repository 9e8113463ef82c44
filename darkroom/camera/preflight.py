"""Structural check of a RAW file before LibRaw sees it: pure Python, bounded work.

LibRaw decodes some truncated files without an error (Sony ARW2 and lossy DNG, for example), waits
for ever on a FIFO, and believes any size a header claims. Comparing what the structure promises
with what the file holds finds these cases in microseconds. It cannot see flipped samples.
"""

import struct
from typing import BinaryIO

from darkroom.camera import directories as tags
from darkroom.camera.directories import Directory, Tiff, read_tiff, tiff_magic
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.signatures import HEAD_BYTES, foreign_type
from darkroom.camera.source import COPY_AGAIN, file_size, unread
from darkroom.errors import FailureCode, FileProblem

SMALLEST_SIDE = 22  # LibRaw refuses frames below
SAMPLE_BITS = range(8, 33)  # DNG 1.7, BitsPerSample

UNCOMPRESSED, LOSSLESS_JPEG = 1, 7
JPEG_START = b"\xff\xd8"
WHITE_IS_ZERO, BLACK_IS_ZERO, CFA, LINEAR_RAW = 0, 1, 32803, 34892
GREY_PICTURE = frozenset({WHITE_IS_ZERO, BLACK_IS_ZERO})
NO_OFFSET = 0xFFFFFFFF


def preflight(
    file: BinaryIO, limits: Limits = DEFAULT_LIMITS, *, monochrome: bool = False
) -> Tiff | None:
    """Check that an open file is a whole RAW file as far as its structure shows.

    Args:
        file: any file.
        limits: bounds on the file.
        monochrome: monochrome sensors are wanted too.

    Returns:
        Its TIFF directories, None for formats with another structure (CR3, RAF, ...).

    Raises:
        FileProblem: another file type or sensor, truncated, too big or with impossible sizes or
            levels.
    """
    try:
        file.seek(0)
        tiff = check_structure(file, file_size(file), limits)
    except OSError as error:
        raise unread(error) from error
    if tiff and not monochrome:
        check_not_monochrome(tiff)
    return tiff


def check_structure(file: BinaryIO, size: int, limits: Limits) -> Tiff | None:
    """Check an open file of `size` bytes by the structure its first bytes announce."""
    head = file.read(HEAD_BYTES)
    name = foreign_type(head)
    if name and size >= len("RAW"):
        raise FileProblem(FailureCode.NOT_RAW, f"is {name}, not a RAW file")
    if size < limits.min_bytes:
        raise truncated(f"the file has only {size} bytes")
    if tiff_magic(head):
        tiff = read_tiff(file, size)
        check_tiff(tiff, size, limits)
        check_jpeg_starts(file, max(tiff.directories, key=pixels))
        return tiff
    if head[:15] == b"FUJIFILMCCD-RAW":
        check_fuji(head, size)
    elif head[4:8] == b"ftyp":
        check_boxes(file, size)
    return None


def check_tiff(tiff: Tiff, size: int, limits: Limits) -> None:
    """Check every directory of a TIFF-like file against the file's size."""
    if not tiff.directories:
        raise tags.corrupt("no directory")
    for directory in tiff.directories:
        check_extents(directory, size)
    if tiff.magic == tags.PANASONIC_MAGIC:
        check_panasonic(tiff.directories[0], size, limits)
    largest = max(tiff.directories, key=pixels)
    check_pixels(largest, limits)
    if tiff.is_dng:
        check_shape(tiff, largest)
    check_levels(largest)
    if not tiff.is_dng and is_grey(tiff, GREY_PICTURE):  # LibRaw would take it for a mosaic
        raise FileProblem(FailureCode.NOT_RAW, "is a grey TIFF picture, not a RAW file")


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


def check_pixels(directory: Directory, limits: Limits) -> None:
    """Check that the image data can hold the size its directory claims."""
    claimed, numbers = pixels(directory), directory.numbers
    shape = f"{directory.first(tags.WIDTH)} x {directory.first(tags.HEIGHT)}"
    if claimed > limits.max_pixels:
        raise too_big(shape, limits)
    stored = int(sum(numbers.get(tags.STRIP_BYTES, ())) + sum(numbers.get(tags.TILE_BYTES, ())))
    if not claimed or not stored:
        return
    needed = claimed / limits.pixels_per_byte
    if directory.first(tags.COMPRESSION, UNCOMPRESSED) == UNCOMPRESSED:
        bits = directory.first(tags.BITS) * directory.first(tags.SAMPLES, 1)
        needed = max(needed, claimed * bits / 8)
    if stored < needed:
        raise truncated(f"{stored} bytes of image data cannot hold {shape} pixels")


def check_shape(tiff: Tiff, directory: Directory) -> None:
    """Check that a DNG's frame, its active area and its samples can be those of a sensor."""
    rows, columns = directory.first(tags.HEIGHT), directory.first(tags.WIDTH)
    if min(rows, columns) < SMALLEST_SIDE:
        raise impossible(f"claims a frame of {columns} x {rows} pixels")
    bits = directory.first(tags.BITS, SAMPLE_BITS.start)
    if bits not in SAMPLE_BITS:
        raise impossible(f"claims samples of {bits} bits")
    area = tiff.numbers(tags.ACTIVE_AREA)
    if len(area) != 4 or not any(area):
        return
    top, left, bottom, right = area
    inside = bottom <= rows and right <= columns
    if not inside or min(bottom - top, right - left) < SMALLEST_SIDE:
        numbers = ", ".join(f"{number:g}" for number in area)
        raise impossible(f"claims the active area {numbers} in {columns} x {rows} pixels")


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


def check_not_monochrome(tiff: Tiff) -> None:
    """Refuse DNGs of monochrome sensors."""
    if tiff.is_dng and is_grey(tiff, GREY_PICTURE | {LINEAR_RAW}):
        raise FileProblem(
            FailureCode.NOT_BAYER, "comes from a monochrome sensor; darkroom needs a Bayer sensor"
        )


def is_grey(tiff: Tiff, photometrics: frozenset[int]) -> bool:
    """Whether the largest picture has one sample a pixel, no colour filters and such a coding."""
    largest = max(tiff.directories, key=pixels)
    has_colours = tiff.numbers(tags.CFA_PATTERN) or tiff.numbers(tags.CFA_DIM)
    if tiff.magic != 42 or has_colours or largest.first(tags.SAMPLES, 1) != 1:
        return False
    return largest.first(tags.PHOTOMETRIC, CFA) in photometrics


def check_panasonic(directory: Directory, size: int, limits: Limits) -> None:
    """Check an RW2 file, whose directory states the unpacked size of its data.

    Formats 4 to 7 pack at most 14 pixels into 16 bytes, older ones 1 into 2; 8 is variable.
    """
    count = directory.first(tags.PANASONIC_WIDTH) * directory.first(tags.PANASONIC_HEIGHT)
    if count > limits.max_pixels:
        raise too_big(f"{count // 1_000_000} million", limits)
    old = directory.first(tags.PANASONIC_FORMAT) <= 7
    needed = directory.first(tags.PANASONIC_OFFSET) + int(
        count * (8 / 7 if old else 1 / limits.pixels_per_byte)
    )
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


def too_big(shape: str, limits: Limits) -> FileProblem:
    """Return the error for a frame above the size limit."""
    limit = limits.max_pixels / 1_000_000
    return FileProblem(FailureCode.TOO_BIG, f"claims {shape} pixels; the limit is {limit:g} MP")


def impossible(what: str) -> FileProblem:
    """Return the error for numbers that no camera writes."""
    return FileProblem(FailureCode.METADATA, what, COPY_AGAIN)
