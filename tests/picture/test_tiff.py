from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.tiff import write_tiff

SHAPES = [(1, 1), (3, 200), (64, 5), (65, 40), (200, 31)]


def save(path: Path, pixels: np.ndarray, metadata: PictureMetadata) -> None:
    with path.open("wb") as file:
        write_tiff(file, pixels, metadata)


@pytest.mark.parametrize("shape", SHAPES)
def test_two_other_readers_get_every_pixel(
    tmp_path: Path, photo: Callable, shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    save(tmp_path / "a.tif", pixels, PictureMetadata())
    by_libtiff = cv2.imread(str(tmp_path / "a.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(by_libtiff[..., ::-1], pixels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


def test_views_are_written_as_they_look(tmp_path: Path, photo: Callable) -> None:
    pixels = photo(70, 30)[::-1, ::2]
    save(tmp_path / "a.tif", pixels, PictureMetadata())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


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


def test_equal_pictures_are_equal_files(
    tmp_path: Path, photo: Callable, full_metadata: PictureMetadata
) -> None:
    for name in ("a.tif", "b.tif"):
        save(tmp_path / name, photo(200, 40), full_metadata)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_exiftool_has_nothing_against_it(
    tmp_path: Path,
    photo: Callable,
    full_metadata: PictureMetadata,
    exiftool_warnings: Callable[[Path], set[str]],
) -> None:
    save(tmp_path / "a.tif", photo(130, 40), full_metadata)
    expected = {
        "Invalid value for IFD0 tag 0x0103 Compression",  # its list ends before deflate
        "Missing required TIFF GPS tag 0x001b GPSProcessingMethod",  # the camera did not say
    }
    assert exiftool_warnings(tmp_path / "a.tif") <= expected
