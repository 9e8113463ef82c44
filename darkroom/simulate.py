"""Recipe: ordinary picture or clean RAW file -> the dark RAW a camera would have made of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import binned, red_offset
from darkroom.camera.raw import RawImage
from darkroom.camera.read import is_raw_name, read_raw
from darkroom.camera.sensor_noise import ReadNoiseShape, digitise, expose
from darkroom.camera.sensors import Sensor, find_sensor, gain, read_noise
from darkroom.errors import UsageProblem
from darkroom.picture.dng import write_bayer_dng
from darkroom.picture.load import load_picture
from darkroom.picture.render import camera_to_srgb
from darkroom.picture.tone import srgb_decode
from darkroom.publish import BinaryFile, publish

FloatArray = npt.NDArray[np.float32]

BRIGHT_SECONDS = 10.0  # exposure of the bright frame that the dark one is `ratio` shorter than
APERTURE = 2.8
RED, GREEN, BLUE = 0, 1, 2


@dataclass(frozen=True)
class SimulateSettings:
    """Which camera, how dark, how noisy."""

    camera: str = "sony-a7s2"
    iso: float = 3200
    ratio: float = 100.0
    phase: str = "RGGB"
    seed: int = 0
    read_noise: ReadNoiseShape = "tukey"
    overwrite: bool = False


def simulate_file(source: Path, target: Path, settings: SimulateSettings) -> None:
    """Write the dark frame of `source` as a Bayer DNG that says how it was exposed.

    Raises:
        UsageProblem: the camera is unknown or the ISO or ratio are out of range.
        FileProblem: `source` cannot be read or `target` cannot be written.
    """
    sensor = find_sensor(settings.camera)
    check(settings)
    linear, orientation = camera_view(source, sensor)
    balance = (sensor.daylight[0], 1.0, sensor.daylight[1])
    signal = mosaic_of(linear, balance, settings.phase) * (sensor.span / settings.ratio)
    counts = expose(
        signal,
        gain=gain(sensor, settings.iso),
        read=read_noise(sensor, settings.iso),
        kind=settings.read_noise,
        rng=np.random.default_rng(settings.seed),
    )
    mosaic = digitise(counts, black=sensor.black, white=sensor.white)
    publish(
        target,
        lambda file: write_dark(file, mosaic, orientation, sensor, settings),
        overwrite=settings.overwrite,
    )


def check(settings: SimulateSettings) -> None:
    """Refuse settings no camera has."""
    if not 25 <= settings.iso <= 409_600:
        raise UsageProblem(f"--iso {settings.iso:g} is out of range; use 25 to 409600")
    if not 1 <= settings.ratio <= 10_000:
        raise UsageProblem(f"--ratio {settings.ratio:g} is out of range; use 1 to 10000")


def camera_view(source: Path, sensor: Sensor) -> tuple[FloatArray, int]:
    """Return the scene in the sensor's white-balanced linear RGB (3, H, W), and its orientation."""
    if is_raw_name(source):
        raw = read_raw(source)
        return recoloured(raw, sensor), raw.orientation
    linear = srgb_decode(load_picture(source)).astype(np.float32)
    return to_camera(np.moveaxis(linear, -1, 0), sensor), 1


def to_camera(linear_srgb: FloatArray, sensor: Sensor) -> FloatArray:
    """Turn linear sRGB (3, H, W) into the sensor's white-balanced RGB; no light is negative."""
    from_srgb = np.linalg.inv(camera_to_srgb(sensor.xyz_to_camera)).astype(np.float32)
    return np.maximum(np.tensordot(from_srgb, linear_srgb, axes=1), 0).astype(np.float32)


def recoloured(raw: RawImage, sensor: Sensor) -> FloatArray:
    """Return a clean RAW frame at half size in the colours of `sensor`, (3, h, w)."""
    own = camera_to_srgb(raw.xyz_to_camera).astype(np.float32)
    linear_srgb = np.tensordot(own, binned(raw), axes=1).astype(np.float32)
    return to_camera(linear_srgb, sensor)


def mosaic_of(linear: FloatArray, balance: tuple[float, float, float], phase: str) -> FloatArray:
    """Sample white-balanced colours through the filters of a sensor: (3, H, W) -> (H, W)."""
    top, left = red_offset(phase)
    mosaic: FloatArray = linear[GREEN] / np.float32(balance[GREEN])
    reds = np.s_[top::2, left::2]
    blues = np.s_[1 - top :: 2, 1 - left :: 2]
    mosaic[reds] = linear[RED][reds] / np.float32(balance[RED])
    mosaic[blues] = linear[BLUE][blues] / np.float32(balance[BLUE])
    return mosaic


def write_dark(
    file: BinaryFile,
    mosaic: npt.NDArray[np.uint16],
    orientation: int,
    sensor: Sensor,
    settings: SimulateSettings,
) -> None:
    """Write the frame with the metadata its camera would have given it."""
    write_bayer_dng(
        file,
        mosaic,
        phase=settings.phase,
        black=(sensor.black,) * 4,
        white=sensor.white,
        xyz_to_camera=np.array(sensor.xyz_to_camera),
        white_balance=(sensor.daylight[0], 1.0, sensor.daylight[1]),
        orientation=orientation,
        make=sensor.make,
        model=sensor.model,
        seconds=BRIGHT_SECONDS / settings.ratio,
        iso=settings.iso,
        aperture=APERTURE,
    )
