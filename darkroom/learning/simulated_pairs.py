"""Simulated training pairs: a clean picture seen by a camera in the dark, and as it really was.

The way back from a picture to a RAW frame follows Brooks et al. 2019 ("Unprocessing Images for
Learned Raw Denoising"); the noise is a calibrated sensor's (camera.sensor_noise). The random
generator decides a pair alone.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import pack, plane_gains
from darkroom.camera.raw import NoiseLevel
from darkroom.camera.sensor_noise import dark_shading, expose, with_defects
from darkroom.camera.sensors import (
    SENSORS,
    ReadNoise,
    Sensor,
    find_sensor,
    gain,
    noise_level_of,
    read_noise,
)
from darkroom.errors import UsageProblem
from darkroom.learning.config import NoiseSection
from darkroom.learning.scenes import Scene, linear_crop
from darkroom.picture.render import camera_to_srgb

FloatArray = npt.NDArray[np.float32]

BRIGHTEST = 8.0  # linear truth is cut here, as the network's input is
BRIGHT_SHARE = 0.12  # of the patches get highlights above white


@dataclass(frozen=True)
class Condition:
    """How one patch is taken."""

    sensor: Sensor
    iso: float
    ratio: float
    white_balance: tuple[float, float, float]
    camera_to_srgb: FloatArray
    read: ReadNoise
    brightness: float = 1.0


@dataclass(frozen=True)
class Pair:
    """What the network gets and what it should make of it.

    Attributes:
        planes: (4, p, p) amplified, white-balanced noisy planes.
        noise: (8,) shot terms and read terms of the four planes.
        truth: (3, 2p, 2p) linear white-balanced camera RGB.
        camera_to_srgb: (3, 3) colour matrix.
        gains: (4,) white balance of the planes R, G, B, G2, for networks that want them without.
    """

    planes: FloatArray
    noise: FloatArray
    truth: FloatArray
    camera_to_srgb: FloatArray
    gains: FloatArray


def log_uniform(low: float, high: float, rng: np.random.Generator) -> float:
    """Draw a number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_white_balance(sensor: Sensor, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw gains between candle light and shade: red falls as blue rises."""
    warmth = rng.uniform(-0.25, 0.55)  # 0 is daylight, positive is warmer light
    tint = rng.normal(0, 0.06)
    red, blue = sensor.daylight
    return float(red * np.exp(-warmth + tint)), 1.0, float(blue * np.exp(warmth + tint))


def random_matrix(rng: np.random.Generator) -> FloatArray:
    """Draw a camera matrix between those of two known cameras, slightly shaken."""
    names = rng.choice(len(SENSORS), 2)
    first, second = (np.array(list(SENSORS.values())[index].xyz_to_camera) for index in names)
    share = rng.uniform(0, 1)
    mixed = share * first + (1 - share) * second
    return camera_to_srgb(mixed * (1 + rng.normal(0, 0.03, (3, 3)))).astype(np.float32)


def random_ratio(noise: NoiseSection, rng: np.random.Generator) -> float:
    """Draw an exposure ratio; most are the large ones darkroom exists for."""
    low, high = noise.ratio
    if rng.random() < noise.dark_share:
        low = min(max(low, noise.dark_from), high)
    return log_uniform(low, high, rng)


def random_sensor(noise: NoiseSection, rng: np.random.Generator) -> Sensor:
    """Draw one of the cameras, those of calibration files included.

    Raises:
        UsageProblem: there is none to draw from, or a name or a file is of no camera.
    """
    names = (*noise.cameras, *map(str, noise.calibrations))
    if not names:
        raise UsageProblem("no camera to simulate; name one under noise.cameras")
    return sensor_called(names[rng.integers(len(names))])


@cache
def sensor_called(name: str) -> Sensor:
    """Return a camera by name or calibration file; a file is read once."""
    return find_sensor(name)


def iso_range(noise: NoiseSection, sensor: Sensor) -> tuple[float, float]:
    """Return the ISOs to draw from: of a calibration only those it was measured at.

    A calibration that was measured beyond all of them is taken on trust.
    """
    low, high = noise.iso
    if sensor.measured_gains:
        first, last = sensor.measured[0][0], sensor.measured[-1][0]
        low, high = max(low, first), min(high, last)
    return (low, high) if low <= high else noise.iso


def random_condition(noise: NoiseSection, rng: np.random.Generator) -> Condition:
    """Draw a camera, its settings and the light."""
    sensor = random_sensor(noise, rng)
    iso = log_uniform(*iso_range(noise, sensor), rng)
    read = read_noise(sensor, iso)
    spread = float(np.exp(rng.normal(0, sensor.spread)))
    read = replace(
        read,
        sigma=read.sigma * spread,
        tukey_scale=read.tukey_scale * spread,
        row_sigma=read.row_sigma * float(np.exp(rng.normal(0, 0.25))),
    )
    bright = rng.random() < BRIGHT_SHARE
    return Condition(
        sensor=sensor,
        iso=iso,
        ratio=random_ratio(noise, rng),
        white_balance=random_white_balance(sensor, rng),
        camera_to_srgb=random_matrix(rng),
        read=read,
        brightness=float(2 ** (rng.uniform(0.3, 2.5) if bright else rng.uniform(-2.0, 0.3))),
    )


def random_crop(scene: Scene, size: int, rng: np.random.Generator) -> FloatArray:
    """Cut a random square in linear light, flipped and turned at random, (size, size, 3)."""
    rows, columns = scene.pixels.shape[:2]
    row, column = rng.integers(rows - size + 1), rng.integers(columns - size + 1)
    linear = linear_crop(scene, int(row), int(column), size)
    flip_rows, flip_columns, transpose = rng.integers(0, 2, 3)
    linear = linear[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]
    return linear.transpose(1, 0, 2) if transpose else linear


def camera_view(linear_crop: FloatArray, scene: Scene, condition: Condition) -> FloatArray:
    """Return the scene in white-balanced linear camera RGB, (3, H, W), at its brightness."""
    if scene.camera_to_srgb is None:
        from_srgb = np.linalg.inv(condition.camera_to_srgb).astype(np.float32)
        linear_crop = linear_crop @ from_srgb.T
    linear = np.moveaxis(linear_crop, -1, 0) * np.float32(condition.brightness)
    return np.ascontiguousarray(np.clip(linear, 0, BRIGHTEST))


def noise_of(condition: Condition) -> NoiseLevel:
    """Return the noise line of the amplified, white-balanced planes."""
    red, green, blue, green2 = (
        condition.ratio * value for value in plane_gains(condition.white_balance)
    )
    level = noise_level_of(condition.sensor, condition.iso, condition.read)
    return level.amplified((red, green, blue, green2))


def darken(
    truth: FloatArray, condition: Condition, noise: NoiseSection, rng: np.random.Generator
) -> FloatArray:
    """Take the picture in the dark and amplify it again: (3, H, W) -> planes (4, H/2, W/2)."""
    sensor, gains = condition.sensor, np.array(condition.white_balance, np.float32)
    signal = truth * (sensor.span / condition.ratio / gains[:, None, None])
    mosaic = np.empty(truth.shape[1:], np.float32)
    for row, column, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        mosaic[row::2, column::2] = signal[colour, row::2, column::2]
    kind = "tukey" if rng.random() < 0.6 else "gaussian"
    counts = expose(
        mosaic,
        gain=gain(sensor, condition.iso),
        read=condition.read,
        kind=kind,  # type: ignore[arg-type]
        rng=rng,
    )
    counts = with_flaws(counts, condition, noise, rng)
    amplification = np.array(plane_gains(condition.white_balance), np.float32) * condition.ratio
    return pack(counts) * (amplification / sensor.span).astype(np.float32)[:, None, None]


def with_flaws(
    counts: FloatArray, condition: Condition, noise: NoiseSection, rng: np.random.Generator
) -> FloatArray:
    """Return noisy counts as a sensor with flaws and a black level slightly off delivers them."""
    span = condition.sensor.span
    black_error = rng.normal(0, noise.black_error) * condition.read.sigma
    if noise.dark_shading:
        sigma = noise.dark_shading * condition.read.sigma
        counts = counts + dark_shading((counts.shape[0], counts.shape[1]), sigma, rng)
    if noise.hot_pixels and rng.random() < noise.hot_pixels:
        counts = with_defects(counts, span, rng)
    return np.minimum(np.rint(counts), span) + np.float32(black_error)


def make_pair(
    scene: Scene, condition: Condition, noise: NoiseSection, *, size: int, rng: np.random.Generator
) -> Pair:
    """Make one pair of `size` packed pixels from a random place of the scene."""
    truth = camera_view(random_crop(scene, 2 * size, rng), scene, condition)
    if min(condition.ratio * value for value in condition.white_balance) < BRIGHTEST:
        saturation = min(condition.white_balance) * condition.ratio
        truth = np.minimum(truth, np.float32(saturation))  # no sensor sees above its white
    planes = darken(truth, condition, noise, rng)
    level = noise_of(condition).scaled(float(np.exp(rng.normal(0, noise.level_error))))
    matrix = scene.camera_to_srgb
    return Pair(
        planes=planes,
        noise=np.array([*level.shot, *level.read], np.float32),
        truth=truth,
        camera_to_srgb=condition.camera_to_srgb if matrix is None else matrix,
        gains=np.array(plane_gains(condition.white_balance), np.float32),
    )
