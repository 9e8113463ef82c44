import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from darkroom.calibrate import CalibrateSettings, Watcher, calibrate
from darkroom.camera.calibration import Calibration, CalibrationRow, load_calibration
from darkroom.camera.noise_fit import tukey_deviation
from darkroom.camera.sensors import SENSORS, ReadNoise, gain, read_noise
from darkroom.errors import NothingMatched, UsageProblem
from tests import calibration_frames as made

# Published cameras at an ISO: gain, read noise.
SONY = gain(SENSORS["sony-a7s2"], 3200), read_noise(SENSORS["sony-a7s2"], 3200)
NIKON = gain(SENSORS["nikon-d850"], 800), read_noise(SENSORS["nikon-d850"], 800)
CANON = gain(SENSORS["canon-5d4"], 400), read_noise(SENSORS["canon-5d4"], 400)

SMALL = (192, 256)


class Log:
    """Collects what the recipe tells."""

    def __init__(self) -> None:
        self.measured: list[str] = []
        self.skipped: list[str] = []

    @property
    def watcher(self) -> Watcher:
        return Watcher(lambda path: self.measured.append(path.name), self.skipped.append)


@pytest.fixture
def log() -> Log:
    return Log()


def write_darks(folder: Path, camera: tuple[float, ReadNoise], **options: Any) -> list[Path]:
    return write_frames(folder / "darks", camera, 0.0, **options)


def write_flats(folder: Path, camera: tuple[float, ReadNoise], **options: Any) -> list[Path]:
    shape = options.get("shape", SMALL)
    bright = made.vignette(options.pop("bright", 6000), shape=shape)
    return write_frames(folder / "flats", camera, bright, **options)


def write_frames(
    folder: Path,
    camera: tuple[float, ReadNoise],
    signal: Any,
    *,
    count: int = 2,
    iso: int | None = 1600,
    **options: Any,
) -> list[Path]:
    factor, read = camera
    options.setdefault("shape", SMALL)
    seed = 1000 * (iso or 1) + 100 * len(folder.name)
    return [
        made.write_frame(
            folder / f"{iso}_{number}.dng",
            made.frame(signal, gain=factor, read=read, seed=seed + number, **options),
            iso=iso,
        )
        for number in range(count)
    ]


def only_row(found: Calibration) -> CalibrationRow:
    (row,) = found.rows
    return row


@pytest.mark.slow
@pytest.mark.parametrize("camera", [SONY, NIKON, CANON], ids=["sony", "nikon", "canon"])
def test_the_noise_of_a_camera_comes_back(
    camera: tuple[float, ReadNoise], tmp_path: Path, log: Log
) -> None:
    factor, read = camera
    deviation = read.tukey_scale * tukey_deviation(read.tukey_lambda)
    shape = (512, 512)
    flaws = made.hot_pixels(1e-3, high=9000, shape=shape) + made.shading(deviation, shape=shape)
    options = {"count": 4, "fixed": flaws, "shape": shape}
    darks = write_darks(tmp_path, camera, **options)
    flats = write_flats(tmp_path, camera, **options)
    target = tmp_path / "camera.json"
    found = calibrate(darks, flats, target, CalibrateSettings(), log.watcher)
    row = only_row(found)
    assert row.gain == pytest.approx(factor, rel=0.02)
    assert row.sigma == pytest.approx(deviation, rel=0.03)
    assert row.tukey_scale == pytest.approx(read.tukey_scale, rel=0.05)
    assert row.tukey_lambda == pytest.approx(read.tukey_lambda, abs=0.02)
    assert row.row_sigma == pytest.approx(read.row_sigma, rel=0.1)
    assert row.hot_share == pytest.approx(1e-3, rel=0.3)
    assert row.black == pytest.approx(made.BLACK, abs=3 * deviation)
    assert (row.iso, row.darks, row.flats, found.notes) == (1600, 4, 4, ())
    assert load_calibration(target).model == "Testmaker One"
    assert log.measured == [path.name for path in darks + flats]


def test_several_isos_are_told_apart_and_gains_rise(tmp_path: Path, log: Log) -> None:
    sony = SENSORS["sony-a7s2"]
    darks, flats = [], []
    for iso in (6400, 400, 1600):
        camera = gain(sony, iso), read_noise(sony, iso)
        darks += write_darks(tmp_path, camera, iso=iso)
        flats += write_flats(tmp_path, camera, iso=iso, bright=3000)
    found = calibrate(darks, flats, tmp_path / "c.json", CalibrateSettings(), log.watcher)
    assert [row.iso for row in found.rows] == [400, 1600, 6400]
    gains = [row.gain for row in found.rows]
    assert gains == sorted(gains)
    assert gains == pytest.approx([gain(sony, row.iso) for row in found.rows], rel=0.03)


def test_daylight_and_colours_are_the_files(tmp_path: Path, log: Log) -> None:
    darks, flats = write_darks(tmp_path, SONY), write_flats(tmp_path, SONY)
    settings = CalibrateSettings(name="mine")
    found = calibrate(darks, flats, tmp_path / "c.json", settings, log.watcher)
    assert found.name == "mine"
    assert found.white == made.WHITE
    assert np.allclose(
        found.xyz_to_camera, [[0.7, -0.2, -0.06], [-0.45, 1.25, 0.22], [-0.07, 0.18, 0.62]]
    )
    red, blue = found.daylight
    assert 1.2 < blue < red < 3


def test_useless_files_are_named_and_skipped(tmp_path: Path, log: Log) -> None:
    darks, flats = write_darks(tmp_path, SONY), write_flats(tmp_path, SONY)
    odd = tmp_path / "odd"
    broken = odd / "broken.dng"
    odd.mkdir()
    broken.write_bytes(b"II*\0")
    silent = write_frames(odd, SONY, 0.0, count=1, iso=None)[0]
    small = write_frames(odd, SONY, 0.0, count=1, iso=100, shape=(96, 96))[0]
    lonely = write_frames(odd, SONY, 5000.0, count=1, iso=200)[0]
    found = calibrate(
        [*darks, broken, odd / "gone.dng", silent, small],
        [lonely, *flats, small],
        tmp_path / "c.json",
        CalibrateSettings(),
        log.watcher,
    )
    assert only_row(found).darks == 2
    named = [Path(sentence.split(": ")[0]).name for sentence in log.skipped]
    others = [silent.name, small.name, lonely.name, small.name]
    assert named == ["broken.dng", "gone.dng", *others]
    assert any("--iso" in sentence for sentence in log.skipped)


def test_an_iso_can_be_given_for_silent_files(tmp_path: Path, log: Log) -> None:
    darks = write_darks(tmp_path, SONY, iso=None)
    flats = write_flats(tmp_path, SONY, iso=None)
    settings = CalibrateSettings(iso=800)
    found = calibrate(darks, flats, tmp_path / "c.json", settings, log.watcher)
    assert only_row(found).iso == 800


def test_an_iso_without_flats_has_no_gain_of_its_own(tmp_path: Path, log: Log) -> None:
    darks = write_darks(tmp_path, SONY) + write_darks(tmp_path, NIKON, iso=400)
    flats = write_flats(tmp_path, SONY)
    found = calibrate(darks, flats, tmp_path / "c.json", CalibrateSettings(), log.watcher)
    assert found.rows[0].gain is None
    assert found.notes == ("ISO 400: no flats: its gain is not measured",)
    stated = CalibrateSettings(gain_per_iso=1e-3)
    found = calibrate(darks, flats, tmp_path / "d.json", stated, log.watcher)
    assert found.rows[0].gain == pytest.approx(0.4)
    assert found.rows[1].gain == pytest.approx(SONY[0], rel=0.03)


def test_without_any_gain_nothing_is_written(tmp_path: Path, log: Log) -> None:
    darks, target = write_darks(tmp_path, SONY), tmp_path / "c.json"
    dim = write_flats(tmp_path, SONY, bright=1)
    for flats in ([], dim):
        with pytest.raises(UsageProblem, match="--gain-per-iso"):
            calibrate(darks, flats, target, CalibrateSettings(), log.watcher)
    assert not target.exists()
    with pytest.raises(NothingMatched):
        calibrate([], dim, target, CalibrateSettings(), log.watcher)


def test_one_dark_and_one_flat_do_with_a_word_of_warning(tmp_path: Path, log: Log) -> None:
    darks = write_darks(tmp_path, SONY, count=1)
    flats = write_flats(tmp_path, SONY, count=1)
    found = calibrate(darks, flats, tmp_path / "c.json", CalibrateSettings(), log.watcher)
    row = only_row(found)
    assert row.gain == pytest.approx(SONY[0], rel=0.05)
    assert row.tukey_scale == pytest.approx(SONY[1].tukey_scale, rel=0.1)
    assert len(found.notes) == 2


def test_darks_below_the_stated_black_are_darks(tmp_path: Path, log: Log) -> None:
    darks = []
    for seed in (0, 1):
        mosaic = made.frame(0, gain=1.0, read=SONY[1], seed=seed) - np.uint16(200)
        darks.append(made.write_frame(tmp_path / f"{seed}.dng", mosaic))
    settings = CalibrateSettings(gain_per_iso=1e-3)
    found = calibrate(darks, [], tmp_path / "c.json", settings, log.watcher)
    assert found.black == pytest.approx(312, abs=0.5)
    assert log.skipped == []


def test_bright_frames_are_no_darks(tmp_path: Path, log: Log) -> None:
    flats, settings = write_flats(tmp_path, SONY), CalibrateSettings(gain_per_iso=1e-3)
    with pytest.raises(NothingMatched):
        calibrate(flats, [], tmp_path / "c.json", settings, log.watcher)
    assert all("folders swapped" in sentence for sentence in log.skipped)
    assert len(log.skipped) == len(flats)


def test_an_existing_file_is_kept(tmp_path: Path, log: Log) -> None:
    target = tmp_path / "c.json"
    target.write_text("mine")
    darks, settings = write_darks(tmp_path, SONY), CalibrateSettings(gain_per_iso=1e-3)
    with pytest.raises(UsageProblem, match="--overwrite"):
        calibrate(darks, [], target, settings, log.watcher)
    assert (target.read_text(), log.measured) == ("mine", [])
    calibrate(darks, [], target, replace(settings, overwrite=True), log.watcher)
    assert json.loads(target.read_text())["rows"][0]["darks"] == 2


@pytest.mark.parametrize(
    "wrong", [{"iso": 0.0}, {"iso": float("nan")}, {"gain_per_iso": -1.0}, {"gain_per_iso": 99.0}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float], tmp_path: Path, log: Log) -> None:
    settings = replace(CalibrateSettings(gain_per_iso=1e-3), **wrong)  # type: ignore[arg-type]
    with pytest.raises(UsageProblem, match="out of range"):
        calibrate([tmp_path / "a.dng"], [], tmp_path / "c.json", settings, log.watcher)
