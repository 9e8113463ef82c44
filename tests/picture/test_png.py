import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import adler32_joined, write_png

SHAPES = [(1, 1), (3, 200), (64, 5), (65, 40), (200, 31)]


def chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    content, at = path.read_bytes(), 8
    while at < len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", content, at + 8 + length)
        assert crc == zlib.crc32(name + body)
        yield name, body
        at += 12 + length


def save(path: Path, pixels: np.ndarray, metadata: PictureMetadata) -> None:
    with path.open("wb") as file:
        write_png(file, pixels, metadata)


@pytest.mark.parametrize("shape", SHAPES)
def test_another_reader_gets_every_pixel(
    tmp_path: Path, photo: Callable, shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    save(tmp_path / "a.png", pixels, PictureMetadata())
    read = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[..., ::-1], pixels)


def test_strips_join_into_one_valid_stream(tmp_path: Path, photo: Callable) -> None:
    save(tmp_path / "a.png", photo(200, 31), PictureMetadata())
    pieces = [body for name, body in chunks(tmp_path / "a.png") if name == b"IDAT"]
    assert len(pieces) > 2
    packer = zlib.decompressobj()
    filtered = packer.decompress(b"".join(pieces))  # checks the Adler-32 as well
    assert packer.eof
    assert len(filtered) == 200 * (1 + 31 * 6)


def test_metadata_comes_before_the_pixels(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata
) -> None:
    save(tmp_path / "a.png", photo(10, 10), full_metadata)
    names = [name for name, _ in chunks(tmp_path / "a.png")]
    assert names == [b"IHDR", b"iCCP", b"eXIf", b"IDAT", b"IDAT", b"IEND"]


def test_metadata_is_inside(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata
) -> None:
    save(tmp_path / "a.png", photo(70, 30), full_metadata)
    with Image.open(tmp_path / "a.png") as picture:
        picture.load()
        assert picture.size == (30, 70)
        assert picture.info["icc_profile"] == icc_profile("srgb")
        exif = picture.getexif()
        assert (exif[271], exif[274], exif[305]) == ("Maker", 1, "darkroom 1.2.3")
        assert exif.get_ifd(34665)[34855] == 1600
        assert exif.get_ifd(34853)[4] == (13, 24, 0)


def test_equal_pictures_are_equal_files(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata
) -> None:
    for name in ("a.png", "b.png"):
        save(tmp_path / name, photo(200, 40), full_metadata)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("split", [0, 1, 5551, 99_999, 100_000])
def test_checksums_join_at_any_place(split: int) -> None:
    content = np.random.default_rng(0).bytes(100_000)
    first, second = content[:split], content[split:]
    joined = adler32_joined(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(content)


def test_exiftool_has_nothing_against_it(
    tmp_path: Path,
    photo: Callable,
    full_metadata: PictureMetadata,
    exiftool_warnings: Callable[[Path], set[str]],
) -> None:
    save(tmp_path / "a.png", photo(130, 40), full_metadata)
    assert exiftool_warnings(tmp_path / "a.png") == set()
