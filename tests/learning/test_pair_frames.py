from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.bayer import CELL, plane_gains, planes_of
from darkroom.camera.noise import noise_level
from darkroom.camera.read import read_raw
from darkroom.learning.pair_frames import TRUTH_WHITE, FrameFacts, decoded
from tests.learning.pair_files import BLACK, colours, write_frame

PHASES = pytest.mark.parametrize("phase", ["RGGB", "GRBG", "GBRG", "BGGR"])
SIZES = pytest.mark.parametrize("size", [(48, 64), (47, 64), (48, 63), (47, 63)])


@PHASES
@SIZES
def test_counts_are_the_planes_that_are_enhanced(
    tmp_path: Path, phase: str, size: tuple[int, int]
) -> None:
    path = write_frame(tmp_path / "short.dng", colours(size), phase=phase)
    facts, counts = decoded(path, "counts")
    black = np.float32(facts.black)[:, None, None]
    planes = (counts.astype(np.float32) - black) / (np.float32(facts.white) - black)
    assert counts.dtype == np.uint16
    assert (facts.shape, facts.size, facts.phase) == (counts.shape, size, phase)
    assert sorted(facts.black) == sorted(BLACK)
    assert np.allclose(planes, planes_of(read_raw(path)), atol=1e-7)


@PHASES
@SIZES
def test_a_truth_lies_on_the_planes_pixel_by_pixel(
    tmp_path: Path, phase: str, size: tuple[int, int]
) -> None:
    path = write_frame(tmp_path / "long.dng", colours(size), phase=phase)
    facts, stored = decoded(path, "truth")
    truth, raw = stored / TRUTH_WHITE, read_raw(path)
    planes = planes_of(raw)
    assert facts.noise is None
    assert truth.shape == (3, 2 * planes.shape[1], 2 * planes.shape[2])
    gains = plane_gains(raw.white_balance)
    for plane, gain, colour, (row, column) in zip(planes, gains, (0, 1, 2, 1), CELL, strict=True):
        assert np.allclose(truth[colour, row::2, column::2], plane * gain, atol=1e-4)


def test_a_truth_is_the_scene(tmp_path: Path) -> None:
    scene = colours((64, 96))
    _, stored = decoded(write_frame(tmp_path / "long.dng", scene, shot=1e-7), "truth")
    inner = np.s_[:, 4:-4, 4:-4]
    assert np.abs(stored / TRUTH_WHITE - scene)[inner].mean() < 2e-3


def test_blown_areas_are_neutral(tmp_path: Path) -> None:
    scene = colours((64, 64))
    scene[:, 8:56, 8:56] = 5
    _, stored = decoded(write_frame(tmp_path / "long.dng", scene), "truth")
    assert (stored[:, 24:40, 24:40] == TRUTH_WHITE).all()


def test_facts_are_those_of_the_file(tmp_path: Path) -> None:
    path = write_frame(tmp_path / "short.dng", colours((48, 64)), ratio=20, seconds=0.5, iso=800)
    facts, _ = decoded(path, "counts")
    raw = read_raw(path)
    assert facts.white_balance == raw.white_balance
    assert (facts.exposure.seconds, facts.exposure.iso) == (0.5, 800)
    assert facts.noise == noise_level(raw)[0]
    assert FrameFacts.model_validate_json(facts.model_dump_json()) == facts
