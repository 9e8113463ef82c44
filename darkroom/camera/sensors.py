"""The cameras darkroom can simulate: one small table of published calibrations.

Gains are in counts per electron, deviations in counts of the sensor's own range. Colour matrices
go from CIE XYZ (D65) to camera RGB and are the ones every RAW converter uses for these cameras.

Sources:
    sony-a7s2: the calibration published with SonyResearch/raw_image_denoising (MIT): gain
        9.563e-4 x ISO, measured read noise by ISO, dual conversion gain from ISO 2000.
    nikon-d850, canon-5d4, canon-70d, canon-700d: Wei et al. 2020, "A Physics-based Noise Formation
        Model for Extreme Low-light Raw Denoising" (ELD, MIT): deviations follow the gain as
        ln(sigma) = slope ln(K) + bias.
    oppo-reno-10x: Wang et al. 2020, "Practical Deep Raw Image Denoising on Mobile Devices"
        (PMRID, Apache-2.0): 10 bit, variance quadratic in the ISO.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from darkroom.camera.calibration import Calibration, load_calibration
from darkroom.camera.raw import NoiseLevel
from darkroom.errors import UsageProblem

Matrix = tuple[tuple[float, float, float], ...]

CALIBRATION_SUFFIX = ".json"
LEAST_NOISE = 1e-3  # counts; logarithms are taken of measured deviations


@dataclass(frozen=True)
class ReadNoise:
    """The signal-independent noise at one ISO, in counts.

    Attributes:
        sigma: deviation of a Gaussian fit.
        tukey_scale: scale of a Tukey-lambda fit, whose tails are the sensor's.
        tukey_lambda: its shape.
        row_sigma: deviation of an offset common to each row.
    """

    sigma: float
    tukey_scale: float
    tukey_lambda: float
    row_sigma: float


@dataclass(frozen=True)
class Sensor:
    """A camera to simulate.

    Attributes:
        make: as in its files, so that converters recognise the camera; likewise `model`.
        black: black level in counts; `white` likewise.
        gain_per_iso: counts per electron at ISO 1; `gain_offset` is added.
        xyz_to_camera: colour matrix.
        daylight: white-balance gains of red and blue in daylight.
        measured: (ISO, sigma, tukey scale, tukey lambda, row sigma) rows, or none.
        measured_gains: (ISO, counts per electron) rows that replace `gain_per_iso`, or none.
        lines: (slope, bias) of ln(sigma), ln(tukey scale), ln(row sigma) over ln(gain), or none.
        tukey_lambda: shape where only lines are known.
        variance_in_iso: coefficients (ISO^2, ISO, 1) of the Gaussian variance, or none.
        spread: deviation of ln(sigma) between frames, for training.
    """

    make: str
    model: str
    black: int
    white: int
    gain_per_iso: float
    xyz_to_camera: Matrix
    daylight: tuple[float, float]
    gain_offset: float = 0.0
    measured: tuple[tuple[float, ...], ...] = ()
    measured_gains: tuple[tuple[float, float], ...] = ()
    lines: tuple[tuple[float, float], ...] = ()
    tukey_lambda: float = 0.0
    variance_in_iso: tuple[float, float, float] | None = None
    spread: float = 0.1

    @property
    def span(self) -> int:
        """Counts between black and white."""
        return self.white - self.black


SENSORS: dict[str, Sensor] = {
    "sony-a7s2": Sensor(
        make="SONY",
        model="ILCE-7SM2",
        black=512,
        white=16383,
        gain_per_iso=9.563e-4,
        xyz_to_camera=(
            (0.5838, -0.1430, -0.0246),
            (-0.3497, 1.1477, 0.2297),
            (-0.0748, 0.1885, 0.5778),
        ),
        daylight=(2.30, 1.65),
        measured=(
            (50, 1.016, 0.707, 0.147, 0.140),
            (100, 1.007, 0.702, 0.149, 0.139),
            (200, 1.293, 0.812, 0.079, 0.228),
            (400, 2.060, 1.182, 0.022, 0.362),
            (800, 3.548, 1.935, -0.008, 0.572),
            (1600, 6.299, 3.228, -0.044, 0.989),
            (1999, 7.7, 3.95, -0.05, 1.2),
            (2000, 2.654, 1.436, -0.013, 0.331),
            (3200, 3.919, 2.042, -0.035, 0.445),
            (6400, 7.116, 3.450, -0.075, 0.722),
            (12800, 14.246, 7.038, -0.065, 1.275),
            (25600, 25.853, 12.176, -0.091, 2.276),
        ),
    ),
    "nikon-d850": Sensor(
        make="NIKON CORPORATION",
        model="NIKON D850",
        black=512,
        white=16383,
        gain_per_iso=4.1504e-3,
        xyz_to_camera=(
            (1.0405, -0.3755, -0.1270),
            (-0.5461, 1.3787, 0.1793),
            (-0.1040, 0.2015, 0.6785),
        ),
        daylight=(1.85, 1.40),
        lines=((0.5635, 0.7994), (0.4774, -0.0904), (0.4483, -1.7977)),
        tukey_lambda=-0.177,
        spread=0.22,
    ),
    "canon-5d4": Sensor(
        make="Canon",
        model="Canon EOS 5D Mark IV",
        black=512,
        white=16383,
        gain_per_iso=2.1819e-3,
        xyz_to_camera=(
            (0.6446, -0.0366, -0.0864),
            (-0.4436, 1.2204, 0.2513),
            (-0.0952, 0.2496, 0.6348),
        ),
        daylight=(2.05, 1.55),
        lines=((0.6771, 1.5122), (0.6559, 1.0927), (0.4713, -0.8079)),
        tukey_lambda=0.093,
        spread=0.25,
    ),
    "canon-70d": Sensor(
        make="Canon",
        model="Canon EOS 70D",
        black=512,
        white=16383,
        gain_per_iso=4.0750e-3,
        xyz_to_camera=(
            (0.7034, -0.0804, -0.1014),
            (-0.4420, 1.2564, 0.2058),
            (-0.0851, 0.1994, 0.5758),
        ),
        daylight=(2.10, 1.60),
        lines=((0.5681, 1.9983), (0.4868, 1.4643), (0.7292, -0.9371)),
        tukey_lambda=-0.031,
        spread=0.25,
    ),
    "canon-700d": Sensor(
        make="Canon",
        model="Canon EOS 700D",
        black=512,
        white=16383,
        gain_per_iso=4.4763e-3,
        xyz_to_camera=(
            (0.6602, -0.0841, -0.0939),
            (-0.4472, 1.2458, 0.2247),
            (-0.0975, 0.2039, 0.6148),
        ),
        daylight=(2.10, 1.55),
        lines=((0.6525, 2.0799), (0.5982, 1.5370), (0.6221, -0.7756)),
        tukey_lambda=-0.018,
        spread=0.26,
    ),
    "oppo-reno-10x": Sensor(
        make="OPPO",
        model="CPH1919",
        black=64,
        white=1023,
        gain_per_iso=5.995267e-4,
        gain_offset=8.68861e-3,
        xyz_to_camera=(
            (0.8730, -0.2770, -0.0900),
            (-0.4230, 1.2410, 0.2040),
            (-0.0860, 0.2160, 0.5750),
        ),
        daylight=(1.95, 1.65),
        variance_in_iso=(7.11772e-7, 6.514934e-4, 0.11492713),
    ),
}


def find_sensor(name: str) -> Sensor:
    """Return the camera called `name`, or the one of a calibration file where it ends in .json.

    Raises:
        UsageProblem: no camera has that name (the known ones are listed), or the file is none.
    """
    if name.lower().endswith(CALIBRATION_SUFFIX):
        return sensor_of(load_calibration(Path(name)))
    if name not in SENSORS:
        raise UsageProblem(
            f"no camera called {name!r} to simulate; known: {', '.join(SENSORS)},"
            " or a .json file of `darkroom calibrate`"
        )
    return SENSORS[name]


def sensor_of(calibration: Calibration) -> Sensor:
    """Return a measured camera as one to simulate."""
    gains = tuple((row.iso, row.gain) for row in calibration.rows if row.gain is not None)
    iso, counts = gains[-1]
    return Sensor(
        make=calibration.make,
        model=calibration.model,
        black=round(calibration.black),
        white=round(calibration.white),
        gain_per_iso=counts / iso,
        xyz_to_camera=calibration.xyz_to_camera,
        daylight=calibration.daylight,
        measured=tuple(
            (
                row.iso,
                max(row.sigma, LEAST_NOISE),
                max(row.tukey_scale, LEAST_NOISE),
                row.tukey_lambda,
                max(row.row_sigma, LEAST_NOISE),
            )
            for row in calibration.rows
        ),
        measured_gains=gains,
    )


def gain(sensor: Sensor, iso: float) -> float:
    """Return the counts that one electron makes at `iso`.

    Measured gains are interpolated on logarithmic scales; beyond them the gain follows the ISO.

    >>> round(gain(SENSORS["sony-a7s2"], 3200), 2)
    3.06
    """
    if sensor.measured_gains:
        isos, gains = np.array(sensor.measured_gains).T
        beyond = iso / float(np.clip(iso, isos[0], isos[-1]))
        return beyond * float(np.exp(np.interp(np.log(iso), np.log(isos), np.log(gains))))
    return sensor.gain_per_iso * iso + sensor.gain_offset


def read_noise(sensor: Sensor, iso: float) -> ReadNoise:
    """Return the read noise at `iso`, interpolated on logarithmic scales between measurements.

    >>> read_noise(SENSORS["sony-a7s2"], 3200).sigma
    3.919
    """
    if sensor.measured:
        rows = np.array(sensor.measured)
        at = np.log(iso), np.log(rows[:, 0])
        beyond = max(1.0, iso / rows[-1, 0])  # past the table the gain amplifies all noise alike
        sigma, scale, row = (
            beyond * float(np.exp(np.interp(*at, np.log(rows[:, column])))) for column in (1, 2, 4)
        )
        return ReadNoise(
            round(sigma, 6), round(scale, 6), float(np.interp(*at, rows[:, 3])), round(row, 6)
        )
    if sensor.lines:
        log_gain = np.log(gain(sensor, iso))
        sigma, scale, row = (float(np.exp(a * log_gain + b)) for a, b in sensor.lines)
        return ReadNoise(sigma, scale, sensor.tukey_lambda, row)
    quadratic, linear, constant = sensor.variance_in_iso or (0.0, 0.0, 0.0)
    sigma = float(np.sqrt(quadratic * iso**2 + linear * iso + constant))
    return ReadNoise(sigma, sigma / LOGISTIC_SIGMA, 0.0, 0.0)


LOGISTIC_SIGMA = float(np.pi / np.sqrt(3))  # deviation of a Tukey-lambda of shape 0, scale 1


def noise_level_of(sensor: Sensor, iso: float, read: ReadNoise | None = None) -> NoiseLevel:
    """Return the noise line of a frame, row noise and quantisation included, normalised.

    `read` is this frame's read noise; None takes the calibrated one.
    """
    read = read or read_noise(sensor, iso)
    shot = gain(sensor, iso) / sensor.span
    floor = (read.sigma**2 + read.row_sigma**2 + 1 / 12) / sensor.span**2
    return NoiseLevel((shot,) * 4, (floor,) * 4)
