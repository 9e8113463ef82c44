"""RAW files of seven codecs for tests, written here from the published formats.

Sources: DNG 1.7 (Adobe), TIFF 6.0, lossless JPEG of ITU-T T.81 (1992) annex H, and for Sony's
8-bit blocks the layout that every open decoder reads. Directories come first and image data
last, as cameras write them, so that cutting the end cuts image data.
"""

import struct
import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from tests.raw_files import (
    ASCII,
    BYTE,
    CFA,
    EXIF,
    LONG,
    SHORT,
    Entries,
    directory,
    dng_bytes,
    dng_entries,
    noisy_mosaic,
    tiff_bytes,
)

Counts = npt.NDArray[np.uint16]
Floats = npt.NDArray[np.float32]

TILE = 64  # pixels a side; DNG wants multiples of 16
BLACK, WHITE = 512, 16383
LOSSLESS_JPEG, DEFLATE, LOSSY_JPEG, SONY_COMPRESSED = 7, 8, 34892, 32767  # TIFF compressions
LINEAR_RAW, FLOAT, PREDICTOR = 34892, 3, 3


def tiled_bytes(entries: Entries, tiles: Sequence[bytes], exif: Entries = EXIF) -> bytes:
    """Return a TIFF file of one directory, an EXIF directory and `tiles` of TILE x TILE pixels."""
    placed = {tag: entry for tag, entry in entries.items() if tag != 278}  # no rows per strip
    placed |= {322: (LONG, (TILE,)), 323: (LONG, (TILE,)), 34665: (LONG, (0,))}
    placed[325] = (LONG, tuple(map(len, tiles)))
    placed[324] = (LONG, (0,) * len(tiles))
    exif_at = 8 + len(directory(placed, 8))
    first = exif_at + len(directory(exif, exif_at))
    starts = np.cumsum([first] + [len(tile) for tile in tiles[:-1]])
    placed[324] = (LONG, tuple(int(start) for start in starts))
    placed[34665] = (LONG, (exif_at,))
    head = b"II*\0" + struct.pack("<I", 8)
    return head + directory(placed, 8) + directory(exif, exif_at) + b"".join(tiles)


def tiles_of(samples: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
    """Cut samples (H, W, ...) into full tiles, row by row; the last ones repeat the edge."""
    rows, columns = samples.shape[:2]
    missing = [(0, -rows % TILE), (0, -columns % TILE)] + [(0, 0)] * (samples.ndim - 2)
    whole = np.pad(samples, missing, mode="edge")
    return [
        np.ascontiguousarray(whole[top : top + TILE, left : left + TILE])
        for top in range(0, whole.shape[0], TILE)
        for left in range(0, whole.shape[1], TILE)
    ]


# Codes of the 17 size categories: 15 of 4 bits, one of 5, one of 6; T.81 keeps all-ones free.
CODE_LENGTHS = np.array([4] * 15 + [5, 6])
CODES = np.array([*range(15), 0b11110, 0b111110])
HUFFMAN_TABLE = bytes([0, 0, 0, 0, 15, 1, 1, *[0] * 10, *range(17)])


def lossless_jpeg(counts: Counts) -> bytes:
    """Return a tile as lossless JPEG (SOF3, 16 bit, predictor 1): two components side by side.

    DNG writers call even and odd columns two components, so that each predicts its own colour.

    Args:
        counts: (H, W) with W even.
    """
    rows, columns = counts.shape
    frame = struct.pack(">BHHB", 16, rows, columns // 2, 2) + bytes([0, 0x11, 0, 1, 0x11, 0])
    scan = bytes([2, 0, 0, 1, 0, 1, 0, 0])  # two components, both table 0, predictor 1
    segments = ((0xC3, frame), (0xC4, HUFFMAN_TABLE), (0xDA, scan))
    head = b"".join(
        struct.pack(">BBH", 255, marker, len(body) + 2) + body for marker, body in segments
    )
    return b"\xff\xd8" + head + entropy_coded(differences(counts)) + b"\xff\xd9"


def differences(counts: Counts) -> npt.NDArray[np.int64]:
    """Return each sample less its neighbour of the same component, in coding order, T.81 H.1.2."""
    samples = counts.astype(np.int64)
    predicted = np.empty_like(samples)
    predicted[:, 2:] = samples[:, :-2]
    predicted[1:, :2] = samples[:-1, :2]  # a row begins with the pixel above
    predicted[0, :2] = 1 << 15
    return ((samples - predicted + (1 << 15)) % (1 << 16) - (1 << 15)).ravel()


def entropy_coded(errors: npt.NDArray[np.int64]) -> bytes:
    """Return prediction errors as Huffman codes with their extra bits, 0xFF stuffed."""
    sizes = np.frexp(np.abs(errors).astype(np.float64))[1]  # bits of the magnitude
    extra = np.where(sizes == 16, 0, sizes)  # -32768 is a category of its own
    values = np.where(errors < 0, errors + (1 << extra) - 1, errors) & ((1 << extra) - 1)
    words = (CODES[sizes] << extra) | values
    return bits_to_bytes(words, CODE_LENGTHS[sizes] + extra).replace(b"\xff", b"\xff\0")


def bits_to_bytes(words: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> bytes:
    """Return the lowest `lengths` bits of each word one behind the other, ones at the end."""
    ends = np.cumsum(lengths)
    left = np.repeat(ends, lengths) - np.arange(ends[-1]) - 1  # bits of its word behind each bit
    bits = (np.repeat(words, lengths) >> left) & 1
    missing = np.ones(-len(bits) % 8, np.uint8)
    return np.packbits(np.concatenate([bits.astype(np.uint8), missing])).tobytes()


def packed_12_bit(counts: Counts) -> bytes:
    """Return rows of 12-bit samples, the highest bits first; columns must be even."""
    first, second = counts[:, 0::2], counts[:, 1::2]
    parts = (first >> 4, (first & 15) << 4 | second >> 8, second & 255)
    return np.stack(parts, axis=-1).astype(np.uint8).tobytes()


def sony_blocks(counts: Counts) -> tuple[bytes, Counts]:
    """Return 11-bit counts as Sony's compressed blocks, and the counts they stand for.

    16 pixels of one column parity make 16 bytes: maximum and minimum of 11 bits, their places of
    4 bits, and the other 14 pixels as 7-bit steps above the minimum.

    Args:
        counts: (H, W) below 2048, W a multiple of 32.
    """
    rows, columns = counts.shape
    pixels = counts.reshape(rows, columns // 32, 16, 2).swapaxes(2, 3).astype(np.int64)
    highest, lowest = pixels.max(axis=-1), pixels.min(axis=-1)
    at_highest = pixels.argmax(axis=-1)
    at_lowest = np.where(highest == lowest, 1, pixels.argmin(axis=-1))  # the places must differ
    shift = sum((0x80 << step <= highest - lowest).astype(np.int64) for step in range(4))
    steps = (pixels - lowest[..., None]) >> shift[..., None]
    place = np.arange(16)
    is_end = (place == at_highest[..., None]) | (place == at_lowest[..., None])
    stands_for = np.where(is_end, pixels, (steps << shift[..., None]) + lowest[..., None])
    fields = [(highest, 11), (lowest, 11), (at_highest, 4), (at_lowest, 4)]
    others = steps[~is_end].reshape(*highest.shape, 14)
    fields += [(others[..., index], 7) for index in range(14)]
    return little_endian_fields(fields), stands_for.swapaxes(2, 3).reshape(rows, columns).astype(
        np.uint16
    )


def little_endian_fields(fields: Sequence[tuple[npt.NDArray[np.int64], int]]) -> bytes:
    """Return fields of some bits each, the first one in the lowest bits, blocks in order."""
    bits = [(values[..., None] >> np.arange(width)) & 1 for values, width in fields]
    return np.packbits(np.concatenate(bits, axis=-1).astype(np.uint8), bitorder="little").tobytes()


def uncompressed(mosaic: Counts, phase: str) -> bytes:
    """Return a DNG of plain 16-bit samples."""
    return dng_bytes(mosaic, phase=phase)


def packed(mosaic: Counts, phase: str) -> bytes:
    """Return a DNG of 12-bit samples without gaps."""
    entries = dng_entries(mosaic.shape, phase, (BLACK >> 2,) * 4, WHITE >> 2, 12)
    return tiff_bytes(entries, packed_12_bit(mosaic >> 2), EXIF)


def lossless(mosaic: Counts, phase: str) -> bytes:
    """Return a DNG of lossless JPEG tiles."""
    entries = dng_entries(mosaic.shape, phase, (BLACK,) * 4, WHITE, 16)
    entries[259] = (SHORT, (LOSSLESS_JPEG,))
    return tiled_bytes(entries, [lossless_jpeg(tile) for tile in tiles_of(mosaic)])


def deflated_float(mosaic: Counts, phase: str) -> bytes:
    """Return a DNG of deflated float tiles, black 0 and white 1."""
    entries = dng_entries(mosaic.shape, phase, (0,) * 4, 1, 32)
    entries |= {259: (SHORT, (DEFLATE,)), 317: (SHORT, (PREDICTOR,)), 339: (SHORT, (FLOAT,))}
    tiles = tiles_of(mosaic.astype(np.float32) / np.float32(WHITE))
    return tiled_bytes(entries, [zlib.compress(float_differences(tile)) for tile in tiles])


def float_differences(tile: npt.NDArray[np.generic]) -> bytes:
    """Return rows of floats split into byte planes, each byte less the one before it.

    Adobe's floating point predictor (TIFF technical note 3), the only one that LibRaw decodes.
    """
    rows, columns = tile.shape
    planes = tile.astype(">f4").view(np.uint8).reshape(rows, columns, 4).swapaxes(1, 2)
    row_bytes = planes.reshape(rows, 4 * columns)
    return np.diff(row_bytes, axis=1, prepend=np.uint8(0)).tobytes()


def linear_entries(shape: tuple[int, ...], bits: int) -> Entries:
    """Return the tags of a DNG that is demosaiced already."""
    entries = dng_entries(shape, "RGGB", (0,) * 4, 1, bits)
    for tag in (33421, 33422, 50710, 50711, 50713, 50714):
        del entries[tag]
    samples = {258: (SHORT, (bits,) * 3), 262: (SHORT, (LINEAR_RAW,)), 277: (SHORT, (3,))}
    return entries | samples | {50717: (LONG, (2**bits - 1,) * 3)}


def linear(mosaic: Counts, _phase: str) -> bytes:
    """Return a linear RGB DNG of 16 bits, which is no Bayer file."""
    colours = np.stack([mosaic << 2, mosaic, mosaic << 1], axis=-1)
    return tiff_bytes(linear_entries(mosaic.shape, 16), colours.astype("<u2").tobytes(), EXIF)


def lossy(mosaic: Counts, _phase: str) -> bytes:
    """Return a DNG of lossy JPEG tiles, which is no Bayer file either."""
    entries = linear_entries(mosaic.shape, 8) | {259: (SHORT, (LOSSY_JPEG,))}
    colours = np.repeat((mosaic >> 6).astype(np.uint8)[..., None], 3, axis=-1)
    return tiled_bytes(
        entries, [cv2.imencode(".jpg", tile)[1].tobytes() for tile in tiles_of(colours)]
    )


def sony(mosaic: Counts, phase: str) -> bytes:
    """Return an ARW file of Sony's 8-bit blocks ("compressed RAW"); columns multiples of 32."""
    rows, columns = mosaic.shape
    entries: Entries = {
        254: (LONG, (0,)),
        256: (LONG, (columns,)),
        257: (LONG, (rows,)),
        258: (SHORT, (8,)),
        259: (SHORT, (SONY_COMPRESSED,)),
        262: (SHORT, (32803,)),
        271: (ASCII, "SONY"),
        272: (ASCII, "ILCE-7SM2"),
        274: (SHORT, (1,)),
        277: (SHORT, (1,)),
        278: (LONG, (rows,)),
        284: (SHORT, (1,)),
        33421: (SHORT, (2, 2)),
        33422: (BYTE, bytes(CFA[phase])),
    }
    return tiff_bytes(entries, sony_blocks(mosaic >> 3)[0], EXIF)


Writer = Callable[[Counts, str], bytes]

WRITERS: dict[str, Writer] = {
    "uncompressed16.dng": uncompressed,
    "packed12.dng": packed,
    "lossless-jpeg.dng": lossless,
    "deflate-float.dng": deflated_float,
    "linear16.dng": linear,
    "lossy-jpeg.dng": lossy,
    "compressed.ARW": sony,
}
NOT_BAYER = frozenset({"linear16.dng", "lossy-jpeg.dng"})


def expected(name: str, mosaic: Counts) -> Counts:
    """Return the counts that LibRaw shall read from the codec `name` of `mosaic`."""
    changes: dict[str, Callable[[Counts], Counts]] = {
        "packed12.dng": lambda counts: counts >> 2,
        "compressed.ARW": lambda counts: sony_blocks(counts >> 3)[1] << 1,
    }
    return changes.get(name, lambda counts: counts)(mosaic)


def seeds(
    shape: tuple[int, int] = (128, 192), *, phase: str = "RGGB", seed: int = 0
) -> dict[str, bytes]:
    """Return one file of random counts for every codec, by its name; columns multiples of 32."""
    mosaic = noisy_mosaic(shape, seed=seed)
    return {name: write(mosaic, phase) for name, write in WRITERS.items()}
