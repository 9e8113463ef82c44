from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import rawpy

from darkroom.camera.bayer import planes_of
from darkroom.camera.calibration import to_json
from darkroom.camera.noise import noise_level
from darkroom.camera.read import read_raw
from darkroom.camera.sensors import SENSORS, noise_level_of
from darkroom.errors import FileProblem, UsageProblem
from darkroom.picture.dng import write_bayer_dng
from darkroom.picture.tone import srgb_decode
from darkroom.simulate import SimulateSettings, simulate_file
from tests.calibration_frames import calibration

GREY = 140


def write_grey(path: Path, size: tuple[int, int] = (200, 240)) -> Path:
    cv2.imwrite(str(path), np.full((*size, 3), GREY, np.uint8))
    return path


@pytest.fixture
def grey(tmp_path: Path) -> Path:
    return write_grey(tmp_path / "grey.png")


@pytest.mark.parametrize("camera", SENSORS)
def test_every_camera_darkens_grey_to_grey(camera: str, grey: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark.dng"
    simulate_file(grey, dark, SimulateSettings(camera=camera, iso=400, ratio=10))
    raw = read_raw(dark)
    assert raw.white_balance == pytest.approx(
        (SENSORS[camera].daylight[0], 1, SENSORS[camera].daylight[1]), rel=1e-3
    )
    planes = planes_of(raw) * np.array([*raw.white_balance, 1])[:, None, None]
    expected = float(srgb_decode(GREY / 255)) / 10
    assert planes.mean((1, 2)) == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("kind", ["tukey", "gaussian"])
def test_noise_is_the_sensors(kind: str, grey: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark.dng"
    settings = SimulateSettings(iso=3200, ratio=100, read_noise=kind)  # type: ignore[arg-type]
    simulate_file(grey, dark, settings)
    green = planes_of(read_raw(dark))[1]
    level = noise_level_of(SENSORS["sony-a7s2"], 3200)
    signal = float(green.mean())
    expected = np.sqrt(level.shot[1] * signal + level.read[1])
    assert float(green.std()) == pytest.approx(expected, rel=0.08)


def test_a_measured_camera_darkens_grey_to_grey(grey: Path, tmp_path: Path) -> None:
    camera, dark = tmp_path / "camera.json", tmp_path / "dark.dng"
    camera.write_bytes(to_json(calibration()))
    simulate_file(grey, dark, SimulateSettings(camera=str(camera), iso=400, ratio=10))
    raw = read_raw(dark)
    assert (raw.model, raw.white_balance) == ("Testmaker One", pytest.approx((2.0, 1, 1.5)))
    planes = planes_of(raw) * np.array([*raw.white_balance, 1])[:, None, None]
    assert planes.mean((1, 2)) == pytest.approx(float(srgb_decode(GREY / 255)) / 10, rel=0.03)


def test_the_same_seed_gives_the_same_file(grey: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.dng", "b.dng", "c.dng")]
    for path, seed in zip(files, (1, 1, 2), strict=True):
        simulate_file(grey, path, SimulateSettings(seed=seed))
    first, again, other = (path.read_bytes() for path in files)
    assert first == again != other


def test_the_file_says_how_it_was_exposed(grey: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark.dng"
    simulate_file(grey, dark, SimulateSettings(iso=1600, ratio=50))
    raw = read_raw(dark)
    assert raw.exposure.iso == 1600
    assert raw.exposure.seconds == pytest.approx(10 / 50)
    assert raw.model == "ILCE-7SM2"
    assert raw.noise_profile is None
    assert not raw.warnings


@pytest.mark.parametrize("phase", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_every_phase_sees_the_same_scene(phase: str, tmp_path: Path) -> None:
    ramp = np.zeros((60, 80, 3), np.uint8)
    ramp[..., 0] = 200  # blue in OpenCV's order
    ramp[..., 2] = np.arange(80) * 3
    cv2.imwrite(str(tmp_path / "ramp.png"), ramp)
    dark = tmp_path / "dark.dng"
    simulate_file(tmp_path / "ramp.png", dark, SimulateSettings(iso=100, ratio=1, phase=phase))
    raw = read_raw(dark)
    assert raw.phase == phase
    planes = planes_of(raw)
    assert planes[0][:, -8:].mean() > 3 * planes[0][:, :8].mean()
    assert planes[2].mean() > 2 * planes[0][:, :8].mean()


def test_a_clean_raw_file_is_binned(grey: Path, tmp_path: Path) -> None:
    clean, dark = tmp_path / "clean.dng", tmp_path / "dark.dng"
    simulate_file(grey, clean, SimulateSettings(iso=50, ratio=1))
    simulate_file(clean, dark, SimulateSettings(camera="nikon-d850", iso=800, ratio=20))
    raw = read_raw(dark)
    assert raw.mosaic.shape == (100, 120)
    balanced = planes_of(raw).mean((1, 2)) * np.array([*raw.white_balance, 1])
    assert balanced == pytest.approx(float(srgb_decode(GREY / 255)) / 20, rel=0.05)


def test_a_raw_file_keeps_its_orientation(grey: Path, tmp_path: Path) -> None:
    clean, dark = tmp_path / "clean.dng", tmp_path / "dark.dng"
    simulate_file(grey, clean, SimulateSettings(iso=50, ratio=1))
    raw = read_raw(clean)
    with clean.open("wb") as file:
        write_bayer_dng(
            file,
            raw.mosaic,
            phase=raw.phase,
            black=[int(level) for level in raw.black],
            white=int(raw.white),
            xyz_to_camera=raw.xyz_to_camera,
            white_balance=raw.white_balance,
            make="Maker",
            model="Camera",
            orientation=6,
        )
    simulate_file(clean, dark, SimulateSettings())
    assert read_raw(dark).orientation == 6


def test_libraw_reads_it(grey: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark.dng"
    simulate_file(grey, dark, SimulateSettings())
    with rawpy.imread(str(dark)) as raw:
        assert raw.white_level == 16383
        assert raw.black_level_per_channel == [512] * 4


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    picture, dark = write_grey(tmp_path / "odd.png", (51, 77)), tmp_path / "dark.dng"
    simulate_file(picture, dark, SimulateSettings(phase="BGGR"))
    assert read_raw(dark).mosaic.shape == (51, 77)


@pytest.mark.parametrize(
    "wrong", [{"camera": "pinhole"}, {"iso": 1.0}, {"iso": float("nan")}, {"ratio": 0.5}]
)
def test_impossible_settings_are_refused(
    wrong: dict[str, object], grey: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem):
        simulate_file(grey, tmp_path / "x.dng", replace(SimulateSettings(), **wrong))
    assert not (tmp_path / "x.dng").exists()


def test_an_existing_file_is_kept(grey: Path, tmp_path: Path) -> None:
    dark = tmp_path / "dark.dng"
    dark.write_bytes(b"mine")
    with pytest.raises(FileProblem, match="E_COLLISION"):
        simulate_file(grey, dark, SimulateSettings())
    assert dark.read_bytes() == b"mine"


def test_the_estimate_finds_the_simulated_noise(tmp_path: Path) -> None:
    size = (240, 320)
    picture = write_grey(tmp_path / "grey.png", size)
    simulate_file(picture, tmp_path / "dark.dng", SimulateSettings(iso=6400, ratio=100))
    raw = read_raw(tmp_path / "dark.dng")
    (estimate, source), truth = noise_level(raw), noise_level_of(SENSORS["sony-a7s2"], 6400)
    signal = float(planes_of(raw)[1].mean())
    found, known = (np.sqrt(n.shot[1] * signal + n.read[1]) for n in (estimate, truth))
    assert source == "estimated from the picture"
    assert found == pytest.approx(known, rel=0.15)
