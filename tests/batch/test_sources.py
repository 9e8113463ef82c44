from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from darkroom.batch.decoder import Decoder
from darkroom.batch.sources import planes_of, read_source
from darkroom.camera.near_infrared import near_infrared
from darkroom.camera.read import read_raw
from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.tone import srgb_encode
from tests.raw_files import noisy_mosaic, write_dng

BGR = np.random.default_rng(0).integers(0, 255, (12, 16, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


@pytest.fixture
def colour(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "colour.png"), BGR)
    return tmp_path / "colour.png"


def test_colour_pictures_keep_their_planes_or_one_of_them(colour: Path) -> None:
    whole = read_source(colour, None, is_rgb=True).planes
    assert whole.shape == (3, 12, 16)
    np.testing.assert_allclose(whole[0], BGR[..., 2] / 255, atol=1e-6)
    assert np.array_equal(read_source(colour, None, channel="red").planes, whole[:1])
    with pytest.raises(FileProblem, match="--channel"):
        read_source(colour, None)


def test_raw_files_are_read_by_the_decoder_and_only_so(tmp_path: Path, decoder: Decoder) -> None:
    path = write_dng(tmp_path / "a.dng", noisy_mosaic(), change={274: (3, (6,))})
    source = read_source(path, decoder)
    assert source.camera == "Testmaker One"
    grey = srgb_encode(near_infrared(read_raw(path)))
    np.testing.assert_allclose(source.planes[0], np.rot90(grey, -1), atol=1e-3)
    with pytest.raises(FileProblem, match="--from-raw"):
        read_source(path, None)


def test_the_entries_of_a_picture_travel_on(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "Testmaker"
    Image.fromarray(BGR[..., 0]).save(tmp_path / "a.jpg", exif=exif)
    entries = read_source(tmp_path / "a.jpg", None).exif
    assert any("Testmaker" in str(entry) for entry in entries)


def test_one_single_grey_is_refused_or_doubted(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((8, 8), 9, np.uint8))
    with pytest.raises(FileProblem, match="one single grey") as caught:
        read_source(tmp_path / "flat.png", None)
    assert caught.value.code is FailureCode.BLACK
    assert read_source(tmp_path / "flat.png", None, allow_suspect=True).doubts


def test_planes_come_first() -> None:
    assert planes_of(np.zeros((2, 3))).shape == (1, 2, 3)
    assert planes_of(np.zeros((2, 3, 4))).shape == (4, 2, 3)
