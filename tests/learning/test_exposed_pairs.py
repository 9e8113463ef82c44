from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.bayer import PHASES, linear_mosaic, planes_of, visible
from darkroom.camera.raw import Exposure, RawImage
from darkroom.camera.read import read_raw
from darkroom.errors import FileProblem
from darkroom.learning.exposed_pairs import exposed, planes_from
from darkroom.learning.pair_frames import TRUTH_WHITE, truth_of
from darkroom.learning.pair_lists import PairFiles
from darkroom.measure.protocols import find_protocol
from darkroom.measure.psnr import psnr
from darkroom.picture.demosaic import demosaiced
from darkroom.picture.render import camera_to_srgb, render
from tests.learning.pair_files import BALANCE, colours, write_frame

SHAPE = (24, 32)


@pytest.fixture
def pair(tmp_path: Path) -> PairFiles:
    linear = colours(SHAPE)
    short = write_frame(tmp_path / "s.dng", linear, ratio=100)
    long = write_frame(tmp_path / "l.dng", linear, shot=0, read=0)
    return PairFiles(short, long, "s", 100.0)


def frames(pair: PairFiles) -> tuple[RawImage, RawImage]:
    return read_raw(pair.short), read_raw(pair.long)


def test_the_short_exposure_gets_the_colours_of_the_long_one(pair: PairFiles) -> None:
    short, long = frames(pair)
    odd = replace(short, white_balance=(1.0, 1.0, 1.0), orientation=3)
    seen = exposed(pair, odd, long, find_protocol("raw-full"))
    assert seen.frame.white_balance == long.white_balance
    assert seen.frame.orientation == long.orientation
    assert seen.ratio == 100
    assert seen.truth == pytest.approx(np.moveaxis(planes_of(long), 0, -1).clip(0, 1))


@pytest.mark.parametrize("name", ["plain", "sid-598"])
def test_truths_of_pictures_are_upright_and_in_0_to_1(pair: PairFiles, name: str) -> None:
    truth = exposed(pair, *frames(pair), find_protocol(name)).truth
    assert (truth.shape, truth.dtype) == ((*SHAPE, 3), np.float32)
    assert 0.1 < truth.mean() < 0.9
    assert (truth.min(), truth.max()) >= (0, 0)
    assert truth.max() <= 1


def test_the_ratio_is_in_the_list_or_in_the_files_and_is_cut(pair: PairFiles) -> None:
    short, long = frames(pair)
    short = replace(short, exposure=Exposure(0.1, 800))
    silent, plain = replace(pair, ratio=None), find_protocol("raw-full")
    for seconds, ratio in ((10.0, 200), (30.0, 300)):
        stated = replace(long, exposure=Exposure(seconds, 1600))
        assert exposed(silent, short, stated, plain).ratio == ratio
    assert exposed(replace(pair, ratio=1000), short, long, plain).ratio == 300
    for exposure, words in ((Exposure(), "neither names nor files"), (Exposure(0.01, 800), "less")):
        with pytest.raises(FileProblem, match=words):
            exposed(silent, short, replace(long, exposure=exposure), plain)


def test_frames_must_belong_together(pair: PairFiles) -> None:
    short, long = frames(pair)
    for other in (replace(short, mosaic=short.mosaic[:-2]), replace(short, phase="BGGR")):
        with pytest.raises(FileProblem, match="size or colour pattern"):
            exposed(pair, other, long, find_protocol("plain"))


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", [(24, 32), (23, 31)])
def test_the_right_picture_gives_the_planes_of_its_frame(
    tmp_path: Path, phase: str, shape: tuple[int, int]
) -> None:
    linear = colours(SHAPE)
    path = write_frame(tmp_path / "l.dng", linear, phase=phase, shot=0, read=0)
    frame = read_raw(path)
    frame = replace(frame, mosaic=frame.mosaic[: shape[0], : shape[1]], white_balance=BALANCE)
    planes = planes_from(linear[:, : shape[0], : shape[1]], frame)
    assert planes == pytest.approx(np.moveaxis(planes_of(frame), 0, -1), abs=1e-4)


@pytest.mark.parametrize("orientation", [1, 6])
def test_librawes_truth_is_where_and_as_bright_as_our_own(tmp_path: Path, orientation: int) -> None:
    linear = colours((48, 64), top=0.5)
    path = write_frame(tmp_path / "l.dng", linear, shot=0, read=0, orientation=orientation)
    pair, frame = PairFiles(path, path, "s", 1.0), read_raw(path)
    by_libraw = exposed(pair, frame, frame, find_protocol("sid-598")).truth
    linear = visible(truth_of(frame).astype(np.float32) / TRUTH_WHITE, frame)
    matrix = camera_to_srgb(frame.xyz_to_camera)
    own = render(linear, camera_to_srgb=matrix, tone="libraw", orientation=orientation)
    assert by_libraw.shape == ((48, 64, 3) if orientation == 1 else (64, 48, 3))
    assert psnr(by_libraw, own / 65535) > 30


def test_a_denoised_mosaic_keeps_its_pixels(pair: PairFiles) -> None:
    frame = frames(pair)[1]
    mosaic = linear_mosaic(frame) * np.tile([[2.0, 1.0], [1.0, 1.5]], (12, 16)).astype("f4")
    planes = planes_from(demosaiced(mosaic), replace(frame, white_balance=BALANCE))
    assert planes == pytest.approx(np.moveaxis(planes_of(frame), 0, -1).clip(0, 1), abs=1e-5)


def test_what_is_no_number_is_not_scored(pair: PairFiles) -> None:
    linear = colours(SHAPE)
    linear[1, 3, 4] = np.nan
    with pytest.raises(FileProblem, match="E_NONFINITE"):
        planes_from(linear, frames(pair)[1])
