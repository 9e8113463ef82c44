"""16-bit RGB pictures as TIFF: deflate with horizontal differences, which every editor reads."""

import zlib

import numpy as np
import numpy.typing as npt

from darkroom.picture.ifd import LONG, RATIONAL, SHORT, UNDEFINED, ExifEntry, write_tiff_file
from darkroom.picture.metadata import PictureMetadata, picture_entries
from darkroom.picture.strips import STRIP_ROWS, ZLIB_STREAM, deflate, encoded_strips, strip_count
from darkroom.publish import BinaryFile

ADOBE_DEFLATE, HORIZONTAL_DIFFERENCES, RGB, INCH = 8, 2, 2, 2
ICC_PROFILE = 34675


def write_tiff(file: BinaryFile, pixels: npt.NDArray[np.uint16], metadata: PictureMetadata) -> None:
    """Write an upright picture with its EXIF and ICC profile; equal arguments, equal bytes.

    Args:
        file: an empty file to fill.
        pixels: (H, W, 3) uint16, encoded as `metadata.icc` says.
        metadata: what the file says beside its pixels.
    """
    rows, columns, _ = pixels.shape
    entries = (*picture_entries(metadata), *_layout(rows, columns), *_profile(metadata))
    write_tiff_file(file, entries, encoded_strips(_encode, pixels), strip_count(rows))


def _encode(strip: npt.NDArray[np.uint16]) -> bytes:
    """Compress the differences to the pixel on the left, modulo 65536 (TIFF 6.0, section 14)."""
    differences = strip.astype("<u2")
    differences[:, 1:] -= strip[:, :-1]
    return deflate(differences, window_bits=ZLIB_STREAM, ending=zlib.Z_FINISH)


def _layout(rows: int, columns: int) -> list[ExifEntry]:
    return [
        ("image", 254, LONG, (0,)),  # NewSubfileType: the full picture
        ("image", 256, LONG, (columns,)),
        ("image", 257, LONG, (rows,)),
        ("image", 258, SHORT, (16, 16, 16)),  # BitsPerSample
        ("image", 259, SHORT, (ADOBE_DEFLATE,)),
        ("image", 262, SHORT, (RGB,)),
        ("image", 277, SHORT, (3,)),  # SamplesPerPixel
        ("image", 278, LONG, (STRIP_ROWS,)),
        ("image", 282, RATIONAL, (72, 1)),  # XResolution: a baseline file must name one
        ("image", 283, RATIONAL, (72, 1)),
        ("image", 284, SHORT, (1,)),  # PlanarConfiguration: interleaved
        ("image", 296, SHORT, (INCH,)),
        ("image", 317, SHORT, (HORIZONTAL_DIFFERENCES,)),
    ]


def _profile(metadata: PictureMetadata) -> list[ExifEntry]:
    return [("image", ICC_PROFILE, UNDEFINED, metadata.icc)] if metadata.icc else []
