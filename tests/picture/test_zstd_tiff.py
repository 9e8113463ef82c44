import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import FileProblem
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.tiff import write_tiff
from darkroom.picture.zstd_tiff import zstd_pixels


def written(
    pixels: np.ndarray, compression: str = "zstd", metadata: PictureMetadata | None = None
) -> bytes:
    file = io.BytesIO()
    write_tiff(file, pixels, metadata or PictureMetadata(), compression)
    return file.getvalue()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 5), (65, 40), (200, 31)])
def test_every_pixel_comes_back(
    photo: Callable, full_metadata: PictureMetadata, shape: tuple[int, int]
) -> None:
    pixels = photo(*shape)
    np.testing.assert_array_equal(zstd_pixels(written(pixels, metadata=full_metadata)), pixels)


def test_pictures_are_loaded_like_all_others(tmp_path: Path, photo: Callable) -> None:
    pixels = photo(70, 30)
    for name in ("zstd", "none"):
        (tmp_path / name).write_bytes(written(pixels, name))
    np.testing.assert_array_equal(load_picture(tmp_path / "zstd"), load_picture(tmp_path / "none"))
    grey = [load_grey(tmp_path / name, channel="red") for name in ("zstd", "none")]
    np.testing.assert_array_equal(*grey)


@pytest.mark.parametrize("content", [b"", b"II*\0", b"\x89PNG\r\n\x1a\n" + bytes(40), b"MM\0*" * 9])
def test_other_files_are_left_to_others(content: bytes) -> None:
    assert zstd_pixels(content) is None


def test_other_compressions_are_left_to_others(photo: Callable) -> None:
    for compression in ("none", "deflate"):
        assert zstd_pixels(written(photo(70, 30), compression)) is None


def test_what_is_cut_short_or_changed_is_refused_or_harmless(
    tmp_path: Path, photo: Callable
) -> None:
    content = written(photo(70, 30))
    for size in range(0, len(content), 97):
        assert zstd_pixels(content[:size]) is None
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(content), 300):
        wrong = bytearray(content)
        wrong[place] ^= 1 << rng.integers(8)
        found = zstd_pixels(bytes(wrong))
        assert found is None or found.dtype == np.uint16
    (tmp_path / "a.tif").write_bytes(content[:-9])
    with pytest.raises(FileProblem, match="TIFF is damaged"):
        load_picture(tmp_path / "a.tif")


def test_a_small_file_cannot_claim_a_large_picture(photo: Callable) -> None:
    content = bytearray(written(photo(64, 30)))
    width = content.index(b"\x00\x01\x04\x00\x01\x00\x00\x00\x1e\x00\x00\x00")
    content[width + 8 : width + 12] = (1 << 23).to_bytes(4, "little")
    assert zstd_pixels(bytes(content)) is None


def test_a_colour_picture_is_no_grey_one(tmp_path: Path, photo: Callable) -> None:
    red = photo(70, 30) * np.uint16([1, 0, 0])
    (tmp_path / "a.tif").write_bytes(written(red))
    with pytest.raises(FileProblem, match="colour picture"):
        load_grey(tmp_path / "a.tif")
