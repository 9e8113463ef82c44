"""Dark frames and flats of a simulated camera, for the tests of its calibration."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkroom.camera.calibration import Calibration, CalibrationRow
from darkroom.camera.sensor_noise import ReadNoiseShape, dark_shading, digitise, expose
from darkroom.camera.sensors import ReadNoise
from tests.raw_files import EXIF, SHORT, Entries, write_dng

Counts = npt.NDArray[np.uint16]
FloatArray = npt.NDArray[np.float32]

BLACK, WHITE = 512, 16383
SHAPE = (320, 400)


def frame(
    signal: float | FloatArray,
    *,
    gain: float,
    read: ReadNoise,
    seed: int,
    kind: ReadNoiseShape = "tukey",
    fixed: FloatArray | float = 0.0,
    shape: tuple[int, int] = SHAPE,
) -> Counts:
    """Return the counts of one frame; `fixed` is a pattern that all frames share."""
    rng = np.random.default_rng(seed)
    clean = np.broadcast_to(np.float32(signal), shape)
    counts = expose(clean, gain=gain, read=read, kind=kind, rng=rng) + np.float32(fixed)
    return digitise(counts, black=BLACK, white=WHITE)


def hot_pixels(share: float, *, high: float, shape: tuple[int, int] = SHAPE) -> FloatArray:
    """Return a fixed pattern of hot pixels."""
    rng = np.random.default_rng(99)
    pattern = np.zeros(shape[0] * shape[1], np.float32)
    where = rng.choice(pattern.size, round(share * pattern.size), replace=False)
    pattern[where] = rng.uniform(0.02, 1, where.size) * high
    return pattern.reshape(shape)


def vignette(bright: float, *, shape: tuple[int, int] = SHAPE) -> FloatArray:
    """Return an evenly lit wall as a lens shows it: half as bright in the corners."""
    rows, columns = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    return np.float32(bright) * (1 - 0.25 * (rows[:, None] ** 2 + columns**2))


def shading(sigma: float, *, shape: tuple[int, int] = SHAPE) -> FloatArray:
    """Return a fixed dark shading."""
    return dark_shading(shape, sigma, np.random.default_rng(5))


def write_frame(path: Path, mosaic: Counts, *, iso: int | None = 1600) -> Path:
    """Write a frame with its ISO, or without one."""
    exif: Entries = {tag: entry for tag, entry in EXIF.items() if tag != 34855}
    if iso is not None:
        exif[34855] = (SHORT, (iso,))
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_dng(path, mosaic, exif=exif)


def row(iso: float, *, gain: float | None) -> CalibrationRow:
    """Return a row of a calibration; its noise follows the ISO."""
    return CalibrationRow(
        iso=iso,
        gain=gain,
        sigma=iso / 400,
        tukey_scale=iso / 800,
        tukey_lambda=-0.05,
        row_sigma=iso / 4000,
        black=512.0,
        dark_shading=0.5,
        hot_share=1e-4,
        darks=4,
        flats=4,
    )


def calibration() -> Calibration:
    """Return a calibration of three ISOs."""
    return Calibration(
        name="night-camera",
        make="Testmaker",
        model="Testmaker One",
        black=512.0,
        white=16383.0,
        xyz_to_camera=((0.7, -0.2, -0.06), (-0.45, 1.25, 0.22), (-0.07, 0.18, 0.62)),
        daylight=(2.0, 1.5),
        rows=(row(400, gain=0.5), row(1600, gain=2.2), row(6400, gain=8.0)),
        hot_pixels=1e-4,
        notes=("ISO 400: made up",),
        date="2026-01-02T03:04:05+00:00",
        program="darkroom 0",
    )
