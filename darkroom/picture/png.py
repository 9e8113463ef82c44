"""16-bit RGB pictures as PNG, compressed on all cores, with EXIF and ICC profile.

Each strip becomes one IDAT chunk: a piece of one deflate stream that ends on a byte, so that the
pieces join. The stream's checksum is put together from those of the pieces.
"""

import struct
import zlib

import numpy as np
import numpy.typing as npt

from darkroom.picture.deflate import adler32, deflate_part
from darkroom.picture.metadata import PictureMetadata, exif_block
from darkroom.picture.strips import encoded_strips
from darkroom.publish import BinaryFile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RGB = 2
PIXEL_BYTES = 6
LEFT_DIFFERENCES = 1  # PNG's filter "Sub": reads no other row, so strips stay independent
ZLIB_HEADER = b"\x78\x01"
LAST_BLOCK = b"\x03\x00"  # an empty deflate block that says the stream is over
ADLER_BASE = 65521

Piece = tuple[bytes, int, int]  # deflated bytes, Adler-32 and number of the bytes before


def write_png(file: BinaryFile, pixels: npt.NDArray[np.uint16], metadata: PictureMetadata) -> None:
    """Write an upright picture with its EXIF and ICC profile; equal arguments, equal bytes.

    Args:
        file: an empty file to fill.
        pixels: (H, W, 3) uint16, encoded as `metadata.icc` says.
        metadata: what the file says beside its pixels.
    """
    rows, columns, _ = pixels.shape
    checksum, header = 1, ZLIB_HEADER
    file.write(SIGNATURE)
    file.write(chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, RGB, 0, 0, 0)))
    if metadata.icc:
        file.write(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    file.write(chunk(b"eXIf", exif_block(metadata)))
    for deflated, adler, length in encoded_strips(_encode, pixels):
        file.write(chunk(b"IDAT", header + deflated))
        checksum, header = adler32_joined(checksum, adler, length), b""
    file.write(chunk(b"IDAT", LAST_BLOCK + struct.pack(">I", checksum)))
    file.write(chunk(b"IEND", b""))


def chunk(name: bytes, content: bytes) -> bytes:
    """Return one PNG chunk: length, name, content, CRC."""
    crc = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def adler32_joined(first: int, second: int, second_length: int) -> int:
    """Return the Adler-32 of two joined pieces from those of each (RFC 1950, section 8.2).

    >>> adler32_joined(zlib.adler32(b"dark"), zlib.adler32(b"room"), 4) == zlib.adler32(b"darkroom")
    True
    """
    low = (first & 0xFFFF) + (second & 0xFFFF) - 1
    high = (first >> 16) + (second >> 16) + second_length * ((first & 0xFFFF) - 1)
    return (high % ADLER_BASE) << 16 | (low % ADLER_BASE)


def _encode(strip: npt.NDArray[np.uint16]) -> Piece:
    """Filter and compress a strip: big-endian bytes minus those one pixel to the left."""
    row_bytes = strip.astype(">u2", order="C").view(np.uint8).reshape(len(strip), -1)
    filtered = np.empty((len(strip), 1 + row_bytes.shape[1]), np.uint8)
    filtered[:, 0] = LEFT_DIFFERENCES
    filtered[:, 1 : 1 + PIXEL_BYTES] = row_bytes[:, :PIXEL_BYTES]
    left, right = row_bytes[:, :-PIXEL_BYTES], row_bytes[:, PIXEL_BYTES:]
    np.subtract(right, left, out=filtered[:, 1 + PIXEL_BYTES :])
    return deflate_part(filtered), adler32(filtered), filtered.size
