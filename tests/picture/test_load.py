import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.tiff import write_tiff


@pytest.mark.parametrize(("name", "write"), [("a.png", write_png), ("a.tif", write_tiff)])
def test_our_own_pictures_come_back_with_all_16_bits(
    tmp_path: Path, photo: Callable, name: str, write: Callable
) -> None:
    pixels = photo(70, 30)
    with (tmp_path / name).open("wb") as file:
        write(file, pixels, PictureMetadata())
    loaded = load_picture(tmp_path / name)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(np.round(loaded * 65535), pixels)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_depth_and_number_of_channels_becomes_rgb(
    tmp_path: Path, suffix: str, kind: type, channels: int
) -> None:
    top = np.iinfo(kind).max
    bgr = np.random.default_rng(0).integers(0, top, (20, 30, channels)).astype(kind)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), bgr)
    rgb = bgr[..., [2, 1, 0]] if channels > 1 else bgr.repeat(3, axis=2)
    loaded = load_picture(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(loaded, rgb / top, atol=1e-7)


def test_jpegs_come_close(tmp_path: Path, photo: Callable) -> None:
    picture = cv2.GaussianBlur((photo(64, 80) // 257).astype(np.uint8), (0, 0), 2)
    Image.fromarray(picture).save(tmp_path / "a.jpg", quality=98)
    assert np.abs(load_picture(tmp_path / "a.jpg") - picture / 255).max() < 0.02


def test_grey_jpegs_get_three_channels(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 128, np.uint8)).save(tmp_path / "a.jpg")
    np.testing.assert_allclose(load_picture(tmp_path / "a.jpg"), np.full((8, 8, 3), 128 / 255))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "bright"),
    [(1, (0, 0)), (2, (0, 1)), (3, (1, 1)), (4, (1, 0)), (5, (0, 0)), (6, (0, 1)), (8, (1, 0))],
)
def test_pictures_come_in_upright(
    tmp_path: Path, kind: str, orientation: int, bright: tuple[int, int]
) -> None:
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:16, :24] = 255
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(tmp_path / "a", format=kind, exif=exif)
    loaded = load_picture(tmp_path / "a")
    assert loaded.shape[:2] == ((48, 32) if orientation > 4 else (32, 48))
    corners = loaded[4 :: loaded.shape[0] - 9, 4 :: loaded.shape[1] - 9, 0] > 0.5
    assert list(zip(*np.nonzero(corners), strict=True)) == [bright]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.98])
def test_a_picture_cut_short_is_refused(
    tmp_path: Path, photo: Callable, kind: str, part: float
) -> None:
    pixels = (photo(64, 80) // 257).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "whole", format=kind)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(FileProblem, match="cut short") as caught:
        load_picture(tmp_path / "cut")
    assert caught.value.code == FailureCode.CORRUPT


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", FailureCode.EMPTY),
        (b"a", FailureCode.UNSUPPORTED),
        (b"just some text", FailureCode.UNSUPPORTED),
        (b"\xff\xd8\xff\xe0 and nothing more", FailureCode.CORRUPT),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), FailureCode.CORRUPT),
        (b"II*\0\x08\0\0\0", FailureCode.CORRUPT),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, code: FailureCode) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FileProblem) as caught:
        load_picture(tmp_path / "a.png")
    assert caught.value.code == code


def test_float_pictures_are_refused_with_advice(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((4, 4, 3), np.float32))
    with pytest.raises(FileProblem, match=r"float32.*16-bit"):
        load_picture(tmp_path / "a.tif")


def test_missing_files_folders_and_pipes_are_named_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("gone", "no such file"), ("", "ordinary"), ("pipe", "ordinary")):
        with pytest.raises(FileProblem, match=words) as caught:
            load_picture(tmp_path / name)
        assert caught.value.code == FailureCode.NOT_REGULAR


def test_names_of_any_letters_are_read(tmp_path: Path, photo: Callable) -> None:
    with (tmp_path / "фото é.png").open("wb") as file:
        write_png(file, photo(4, 4), PictureMetadata())
    assert load_picture(str(tmp_path / "фото é.png")).shape == (4, 4, 3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_grey_files_of_every_depth_become_one_plane(
    tmp_path: Path, kind: type, suffix: str, channels: int
) -> None:
    top = np.iinfo(kind).max
    grey = np.random.default_rng(0).integers(0, top, (300, 30)).astype(kind)
    stored = grey if channels == 1 else np.repeat(grey[..., None], channels, axis=-1)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), stored)
    loaded = load_grey(tmp_path / f"a{suffix}")
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, grey / top, atol=1e-6)


def test_a_jpeg_of_three_nearly_equal_channels_is_grey(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(90, 110, (64, 64, 1), np.uint8)
    Image.fromarray(grey.repeat(3, axis=2)).save(tmp_path / "a.jpg", quality=50)
    assert load_grey(tmp_path / "a.jpg").shape == (64, 64)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("channel", "take"),
    [
        ("red", lambda rgb: rgb[..., 0]),
        ("green", lambda rgb: rgb[..., 1]),
        ("blue", lambda rgb: rgb[..., 2]),
        ("mean", lambda rgb: rgb.mean(-1)),
    ],
)
def test_a_colour_picture_is_refused_unless_a_channel_is_named(
    tmp_path: Path, kind: type, channel: str, take: Callable
) -> None:
    top = np.iinfo(kind).max
    rgb = np.random.default_rng(0).integers(0, top, (20, 30, 3)).astype(kind)
    cv2.imwrite(str(tmp_path / "a.png"), rgb[..., ::-1])
    with pytest.raises(FileProblem, match=r"colour picture.*--channel") as caught:
        load_grey(tmp_path / "a.png")
    assert caught.value.code == FailureCode.UNSUPPORTED
    loaded = load_grey(tmp_path / "a.png", channel=channel)
    np.testing.assert_allclose(loaded, take(rgb / top), atol=1e-6)


def test_grey_pictures_come_in_upright(tmp_path: Path) -> None:
    stored = np.zeros((32, 48), np.uint8)
    stored[:16, :24] = 255
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif)
    loaded = load_grey(tmp_path / "a.jpg")
    assert loaded.shape == (48, 32)
    assert loaded[4, -4] > 0.5 > loaded[4, 4]


def test_float_greys_are_refused_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.tif"), np.zeros((4, 4), np.float32))
    with pytest.raises(FileProblem, match="float32"):
        load_grey(tmp_path / "a.tif")
