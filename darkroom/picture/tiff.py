"""16-bit RGB pictures as TIFF: by default deflated horizontal differences, which all editors read.

zstd is faster and a little smaller, but not all editors know it; uncompressed is faster still.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from darkroom.picture.deflate import zlib_stream
from darkroom.picture.ifd import LONG, RATIONAL, SHORT, UNDEFINED, ExifEntry, write_tiff_file
from darkroom.picture.metadata import PictureMetadata, picture_entries
from darkroom.picture.strips import STRIP_ROWS, encoded_strips, strip_count
from darkroom.publish import BinaryFile

RGB, INCH = 2, 2
HORIZONTAL_DIFFERENCES = 2
ICC_PROFILE = 34675
ZSTD_LEVEL = 1

Pixels = npt.NDArray[np.uint16]
Pack = Callable[[Pixels], bytes | memoryview]


def write_tiff(
    file: BinaryFile, pixels: Pixels, metadata: PictureMetadata, compression: str = "deflate"
) -> None:
    """Write an upright picture with its EXIF and ICC profile; equal arguments, equal bytes.

    Args:
        file: an empty file to fill.
        pixels: (H, W, 3) uint16, encoded as `metadata.icc` says.
        metadata: what the file says beside its pixels.
        compression: name in `COMPRESSIONS`.
    """
    rows, columns, _ = pixels.shape
    number, predictor, pack = COMPRESSIONS[compression]
    own = _layout(rows, columns, number, predictor)
    entries = (*picture_entries(metadata), *own, *_profile(metadata))
    write_tiff_file(file, entries, encoded_strips(pack, pixels), strip_count(rows))


def _bare(strip: Pixels) -> memoryview:
    return np.ascontiguousarray(strip, "<u2").data.cast("B")


def _deflated(strip: Pixels) -> bytes:
    return zlib_stream(_differences(strip))


def _zstandard(strip: Pixels) -> bytes:
    # Here and no sooner: nothing else needs it.
    from zstandard import ZstdCompressor  # noqa: PLC0415

    return ZstdCompressor(level=ZSTD_LEVEL).compress(_differences(strip).data)


def _differences(strip: Pixels) -> Pixels:
    """Return the differences to the pixel on the left, modulo 65536 (TIFF 6.0, section 14)."""
    differences = np.empty(strip.shape, "<u2")
    differences[:, 0] = strip[:, 0]
    np.subtract(strip[:, 1:], strip[:, :-1], out=differences[:, 1:])
    return differences


# Name -> number in TIFF (8 is Adobe's deflate), predictor or 0, and what packs a strip.
COMPRESSIONS: dict[str, tuple[int, int, Pack]] = {
    "none": (1, 0, _bare),
    "deflate": (8, HORIZONTAL_DIFFERENCES, _deflated),
    "zstd": (50000, HORIZONTAL_DIFFERENCES, _zstandard),
}


def _layout(rows: int, columns: int, compression: int, predictor: int) -> list[ExifEntry]:
    predicted = [("image", 317, SHORT, (predictor,))] if predictor else []
    return [
        *predicted,
        ("image", 254, LONG, (0,)),  # NewSubfileType: the full picture
        ("image", 256, LONG, (columns,)),
        ("image", 257, LONG, (rows,)),
        ("image", 258, SHORT, (16, 16, 16)),  # BitsPerSample
        ("image", 259, SHORT, (compression,)),
        ("image", 262, SHORT, (RGB,)),
        ("image", 277, SHORT, (3,)),  # SamplesPerPixel
        ("image", 278, LONG, (STRIP_ROWS,)),
        ("image", 282, RATIONAL, (72, 1)),  # XResolution: a baseline file must name one
        ("image", 283, RATIONAL, (72, 1)),
        ("image", 284, SHORT, (1,)),  # PlanarConfiguration: interleaved
        ("image", 296, SHORT, (INCH,)),
    ]


def _profile(metadata: PictureMetadata) -> list[ExifEntry]:
    return [("image", ICC_PROFILE, UNDEFINED, metadata.icc)] if metadata.icc else []
