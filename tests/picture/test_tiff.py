from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import zstandard
from PIL import Image, UnidentifiedImageError, features

from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.tiff import COMPRESSIONS, write_tiff

COMMON = {"none": 1, "deflate": 8}  # what all of the readers here know
SHAPES = [(1, 1), (3, 200), (64, 5), (65, 40), (200, 31)]


def save(
    path: Path, pixels: np.ndarray, metadata: PictureMetadata, compression: str = "deflate"
) -> None:
    with path.open("wb") as file:
        write_tiff(file, pixels, metadata, compression)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("compression", COMMON)
def test_two_other_readers_get_every_pixel(
    tmp_path: Path, photo: Callable, compression: str, shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    save(tmp_path / "a.tif", pixels, PictureMetadata(), compression)
    by_libtiff = cv2.imread(str(tmp_path / "a.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(by_libtiff[..., ::-1], pixels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize("compression", COMMON)
def test_views_are_written_as_they_look(tmp_path: Path, photo: Callable, compression: str) -> None:
    pixels = photo(70, 30)[::-1, ::2]
    save(tmp_path / "a.tif", pixels, PictureMetadata(), compression)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


@pytest.mark.parametrize("shape", SHAPES)
def test_zstd_is_unpacked_by_the_letter_of_the_format(
    tmp_path: Path, photo: Callable, shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    save(tmp_path / "a.tif", pixels, PictureMetadata(), "zstd")
    with tifffile.TiffFile(tmp_path / "a.tif") as file, (tmp_path / "a.tif").open("rb") as raw:
        page = file.pages[0]
        assert (page.compression, page.predictor) == (50000, 2)
        strips = []
        for offset, length in zip(page.dataoffsets, page.databytecounts, strict=True):
            raw.seek(offset)
            strips.append(zstandard.ZstdDecompressor().decompress(raw.read(length)))
    differences = np.frombuffer(b"".join(strips), "<u2").reshape(pixels.shape)
    np.testing.assert_array_equal(np.cumsum(differences, axis=1, dtype=np.uint16), pixels)


@pytest.mark.skipif(not features.check("libtiff"), reason="this Pillow reads no TIFF by libtiff")
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_pillow_knows_what_it_is(tmp_path: Path, photo: Callable, compression: str) -> None:
    save(tmp_path / "a.tif", photo(70, 30), PictureMetadata(), compression)
    try:
        with Image.open(tmp_path / "a.tif") as picture:
            assert picture.size == (30, 70)
            name = {"none": "raw", "deflate": "tiff_adobe_deflate"}.get(compression, compression)
            assert picture.info["compression"] == name
    except UnidentifiedImageError:  # it reads no 16-bit colours without loss
        pytest.skip("this Pillow opens no 16-bit colours")


def test_uncompressed_strips_are_the_pixels(tmp_path: Path, photo: Callable) -> None:
    pixels = photo(130, 7)
    save(tmp_path / "a.tif", pixels, PictureMetadata(), "none")
    assert pixels.astype("<u2").tobytes() in (tmp_path / "a.tif").read_bytes()
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].compression == 1
        assert 317 not in file.pages[0].tags  # libtiff warns of a predictor here


def test_the_caller_keeps_its_pixels(tmp_path: Path, photo: Callable) -> None:
    pixels = photo(70, 30)
    before = pixels.copy()
    save(tmp_path / "a.tif", pixels, PictureMetadata())
    np.testing.assert_array_equal(pixels, before)


def test_metadata_is_inside(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata
) -> None:
    save(tmp_path / "a.tif", photo(70, 30), full_metadata)
    with Image.open(tmp_path / "a.tif") as picture:
        exif = picture.getexif()
        assert (exif[271], exif[274], exif[305]) == ("Maker", 1, "darkroom 1.2.3")
        assert exif.get_ifd(34665)[34855] == 1600
        assert exif.get_ifd(34853)[4] == (13, 24, 0)
        assert picture.info["icc_profile"] == icc_profile("srgb")


def test_it_is_compressed_the_way_editors_read(tmp_path: Path, photo: Callable) -> None:
    pixels = photo(200, 100)
    save(tmp_path / "a.tif", pixels, PictureMetadata())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert (page.compression, page.predictor) == (8, 2)
    assert (tmp_path / "a.tif").stat().st_size < 0.9 * pixels.nbytes


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_equal_pictures_are_equal_files(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata, compression: str
) -> None:
    for name in ("a.tif", "b.tif"):
        save(tmp_path / name, photo(200, 40), full_metadata, compression)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_exiftool_has_nothing_against_it(
    tmp_path: Path,
    photo: Callable,
    full_metadata: PictureMetadata,
    exiftool_warnings: Callable[[Path], set[str]],
    compression: str,
) -> None:
    save(tmp_path / "a.tif", photo(130, 40), full_metadata, compression)
    expected = {
        "Invalid value for IFD0 tag 0x0103 Compression",  # its list ends before deflate
        "Missing required TIFF GPS tag 0x001b GPSProcessingMethod",  # the camera did not say
    }
    assert exiftool_warnings(tmp_path / "a.tif") <= expected
