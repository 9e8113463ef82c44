from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rawpy
import tifffile

from darkroom.picture.dng import write_bayer_dng

PHASES = ("RGGB", "GRBG", "GBRG", "BGGR")
BLACK = (512, 513, 514, 515)
XYZ_TO_CAMERA = np.array(
    [[0.6629, -0.1900, -0.0483], [-0.4618, 1.2349, 0.2550], [-0.0622, 0.1381, 0.6514]]
)
SRGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)


def noise(rows: int, columns: int) -> npt.NDArray[np.uint16]:
    return np.random.default_rng(rows).integers(0, 65536, (rows, columns), dtype=np.uint16)


def write(path: Path, mosaic: npt.NDArray[np.uint16], **changes: object) -> Path:
    settings: dict[str, object] = {
        "phase": "RGGB",
        "black": BLACK,
        "white": 16300,
        "xyz_to_camera": XYZ_TO_CAMERA,
        "white_balance": (2.04, 1.0, 1.64),
        "make": "Maker",
        "model": "Model 7",
    }
    with path.open("wb") as file:
        write_bayer_dng(file, mosaic, **(settings | changes))  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", [(40, 60), (41, 60), (40, 61), (41, 61)])
def test_counts_phase_and_levels_survive(
    tmp_path: Path, phase: str, shape: tuple[int, int]
) -> None:
    mosaic = noise(*shape)
    with rawpy.imread(str(write(tmp_path / "a.dng", mosaic, phase=phase))) as raw:
        np.testing.assert_array_equal(raw.raw_image_visible, mosaic)
        assert "".join("RGBG"[index] for index in raw.raw_pattern.ravel()) == phase
        by_position = np.array(raw.black_level_per_channel)[raw.raw_pattern]
        assert tuple(by_position.ravel()) == BLACK
        assert raw.white_level == 16300


def test_colours_survive(tmp_path: Path) -> None:
    with rawpy.imread(str(write(tmp_path / "a.dng", noise(40, 60)))) as raw:
        balance = np.array(raw.camera_whitebalance[:3])
        np.testing.assert_allclose(balance / balance[1], (2.04, 1, 1.64), rtol=1e-5)
        srgb_to_camera = XYZ_TO_CAMERA @ SRGB_TO_XYZ
        balanced = srgb_to_camera / srgb_to_camera.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(raw.color_matrix[:, :3], np.linalg.inv(balanced), atol=1e-3)


def test_exposure_survives(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dng", noise(40, 60), seconds=1 / 30, iso=1600, aperture=2.8)
    with rawpy.imread(str(path)) as raw:
        assert raw.other.iso_speed == 1600
        assert raw.other.shutter_speed == pytest.approx(1 / 30, rel=1e-6)
        assert raw.other.aperture == pytest.approx(2.8, rel=1e-6)


def exif_of(path: Path) -> dict[str, object]:
    with tifffile.TiffFile(path) as file:
        return dict(file.pages[0].tags[34665].value)


def test_an_iso_beyond_16_bits_is_said_by_the_exposure_index(tmp_path: Path) -> None:
    exif = exif_of(write(tmp_path / "a.dng", noise(4, 4), iso=409600))
    assert exif["ISOSpeedRatings"] == 65535
    assert exif["RecommendedExposureIndex"] == 409600


def test_given_exposure_replaces_that_of_the_source(tmp_path: Path) -> None:
    source = (
        ("exif", 33434, 5, (10, 1)),
        ("exif", 37377, 10, (-3, 1)),  # ShutterSpeedValue of the same 10 s
        ("exif", 42036, 2, "35mm F1.4"),
    )
    exif = exif_of(write(tmp_path / "a.dng", noise(4, 4), exif=source, seconds=0.1))
    assert exif["ExposureTime"] == (1, 10)
    assert exif["LensModel"] == "35mm F1.4"
    assert "ShutterSpeedValue" not in exif


@pytest.mark.parametrize(("orientation", "flip"), [(1, 0), (3, 3), (6, 6), (8, 5)])
def test_orientation_is_said_and_counts_stay_in_sensor_order(
    tmp_path: Path, orientation: int, flip: int
) -> None:
    mosaic = noise(40, 60)
    with rawpy.imread(str(write(tmp_path / "a.dng", mosaic, orientation=orientation))) as raw:
        assert raw.sizes.flip == flip
        np.testing.assert_array_equal(raw.raw_image_visible, mosaic)


def test_a_noise_profile_is_optional(tmp_path: Path) -> None:
    pairs = [(1e-4, 1e-7), (2e-4, 2e-7), (3e-4, 3e-7)]
    with tifffile.TiffFile(write(tmp_path / "a.dng", noise(4, 4), noise_profile=pairs)) as file:
        assert file.pages[0].tags[51041].value == tuple(np.ravel(pairs))
    with tifffile.TiffFile(write(tmp_path / "b.dng", noise(4, 4))) as file:
        assert 51041 not in file.pages[0].tags


def test_equal_frames_are_equal_files(tmp_path: Path) -> None:
    first = write(tmp_path / "a.dng", noise(41, 61), iso=100).read_bytes()
    assert first == write(tmp_path / "b.dng", noise(41, 61), iso=100).read_bytes()


def test_a_level_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="70000"):
        write(tmp_path / "a.dng", noise(4, 4), white=70000)


def test_exiftool_has_nothing_against_it(
    tmp_path: Path, exiftool_warnings: Callable[[Path], set[str]]
) -> None:
    path = write(tmp_path / "a.dng", noise(40, 60), seconds=0.1, iso=800, aperture=4)
    assert exiftool_warnings(path) == set()
