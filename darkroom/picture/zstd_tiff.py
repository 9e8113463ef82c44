"""TIFF pictures compressed by zstd, as `darkroom.picture.tiff` writes them: OpenCV reads none."""

import struct

import numpy as np
import numpy.typing as npt

SHORT, LONG = 3, 4
WIDTH, HEIGHT, DEPTHS, COMPRESSION, OFFSETS = 256, 257, 258, 259, 273
ROWS_PER_STRIP, LENGTHS, PREDICTOR = 278, 279, 317
ZSTD, HORIZONTAL_DIFFERENCES = 50000, 2
MOST_PIXELS = 1 << 30  # OpenCV takes no more either
PIXEL_BYTES = 6

Tags = dict[int, tuple[int, ...]]


def zstd_pixels(content: bytes) -> npt.NDArray[np.uint16] | None:
    """Return the pixels (H, W, 3) of a file, or None if it is another kind, or damaged.

    Args:
        content: a whole file.
    """
    try:
        tags = _tags(content)
        if (tags[COMPRESSION], tags[PREDICTOR]) != ((ZSTD,), (HORIZONTAL_DIFFERENCES,)):
            return None
        return _pixels(content, tags)
    except (KeyError, ValueError, struct.error):
        return None


def _tags(content: bytes) -> Tags:
    """Return the whole numbers of the first directory of a little-endian TIFF."""
    magic, start = struct.unpack_from("<4sI", content)
    if magic != b"II*\0":
        return {}
    (count,) = struct.unpack_from("<H", content, start)
    tags = {}
    for row in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, values = struct.unpack_from("<HHI", content, row)
        if kind in (SHORT, LONG) and values <= len(content):
            form = f"<{values}{'H' if kind == SHORT else 'I'}"
            is_inline = struct.calcsize(form) <= 4
            place = row + 8 if is_inline else struct.unpack_from("<I", content, row + 8)[0]
            tags[tag] = struct.unpack_from(form, content, place)
    return tags


def _pixels(content: bytes, tags: Tags) -> npt.NDArray[np.uint16]:
    """Return the pixels; raise ValueError if they are of another kind, or damaged."""
    (width,), (height,), (step,) = tags[WIDTH], tags[HEIGHT], tags[ROWS_PER_STRIP]
    if tags[DEPTHS] != (16, 16, 16) or not 0 < width * height <= MOST_PIXELS or step < 1:
        raise ValueError
    strips = [
        _unpacked(content[start : start + length], min(step, height - top) * width * PIXEL_BYTES)
        for top, start, length in zip(
            range(0, height, step), tags[OFFSETS], tags[LENGTHS], strict=True
        )
    ]
    differences = np.frombuffer(b"".join(strips), "<u2").reshape(height, width, 3)
    return np.cumsum(differences, axis=1, dtype=np.uint16)


def _unpacked(packed: bytes, size: int) -> bytes:
    """Unpack a strip; raise ValueError if it does not say that it has this size, or has not."""
    # Here and no sooner: few files need it.
    from zstandard import ZstdDecompressor, ZstdError, frame_content_size  # noqa: PLC0415

    try:
        if frame_content_size(packed) != size:
            raise ValueError
        return ZstdDecompressor().decompress(packed)
    except ZstdError as error:
        raise ValueError from error
