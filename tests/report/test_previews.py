from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.batch.decoder import Decoder
from darkroom.camera.read import read_raw
from darkroom.errors import FileProblem
from darkroom.report.previews import preview_jpeg, raw_preview
from darkroom.simulate import SimulateSettings, simulate_file


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    cv2.imwrite(str(tmp_path / "scene.png"), np.full((64, 96, 3), 200, np.uint8))
    simulate_file(tmp_path / "scene.png", tmp_path / "dark.dng", SimulateSettings(ratio=4, iso=100))
    return tmp_path / "dark.dng"


def size_of(content: bytes) -> tuple[int, ...]:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape


def test_both_sides_have_previews(dark: Path) -> None:
    with Decoder() as decoder:
        assert size_of(preview_jpeg(dark, decoder)) == (32, 48, 3)
        assert size_of(preview_jpeg(dark.with_name("scene.png"), decoder, 48)) == (32, 48, 3)
        with pytest.raises(FileProblem):
            preview_jpeg(dark.with_name("gone.png"), decoder)


def test_a_raw_file_is_as_dark_as_it_was_exposed(dark: Path) -> None:
    pixels = raw_preview(read_raw(dark), 24)
    assert pixels.shape == (16, 24, 3)
    assert pixels.dtype == np.uint8
    assert 90 < pixels.mean() < 125  # a quarter of the light of 200
    assert np.ptp(pixels.mean((0, 1))) < 4
