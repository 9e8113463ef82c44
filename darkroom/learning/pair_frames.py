"""What a frame of a real pair becomes: counts to enhance, or full colours to learn from."""

import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from darkroom.camera.bayer import (
    CELL,
    border,
    linear_mosaic,
    pack,
    plane_gains,
    start_on_red,
)
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import Exposure, NoiseLevel, RawImage
from darkroom.camera.read import read_raw
from darkroom.picture.demosaic import demosaiced
from darkroom.picture.render import camera_to_srgb

Counts = npt.NDArray[np.uint16]
Kind = Literal["counts", "truth"]
Four = tuple[float, float, float, float]
Row = tuple[float, float, float]

TRUTH_WHITE = 65535  # of a truth, stands for 1


class FrameFacts(BaseModel):
    """What is known about a frame.

    Attributes:
        source: the RAW file.
        shape: of the pixels, (4, h, w) of counts or (3, 2h, 2w) of a truth.
        size: rows and columns of the sensor's picture.
        phase: colours of its first 2x2 cell.
        black: level in counts of the planes R, G, B, G2.
        white: count at which the sensor saturates.
        white_balance: as-shot gains of R, G, B.
        camera_to_srgb: (3, 3) colour matrix.
        exposure: as the file says.
        noise: of the planes before white balance; None of a truth.
        checksum: CRC-32 of the pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    shape: tuple[int, int, int]
    size: tuple[int, int]
    phase: str
    black: Four
    white: float
    white_balance: Row
    camera_to_srgb: tuple[Row, Row, Row]
    exposure: Exposure
    noise: NoiseLevel | None
    checksum: int


def decoded(source: Path, kind: Kind) -> tuple[FrameFacts, Counts]:
    """Read a RAW file.

    Raises:
        FileProblem: it is missing, damaged or no Bayer file.
    """
    raw = read_raw(source)
    pixels = pack(start_on_red(raw.mosaic, raw.phase)) if kind == "counts" else truth_of(raw)
    planes, rows, columns = pixels.shape
    matrix = camera_to_srgb(raw.xyz_to_camera)
    facts = FrameFacts(
        source=str(source),
        shape=(planes, rows, columns),
        size=(raw.mosaic.shape[0], raw.mosaic.shape[1]),
        phase=raw.phase,
        black=plane_black(raw),
        white=raw.white,
        white_balance=raw.white_balance,
        camera_to_srgb=matrix.tolist(),
        exposure=raw.exposure,
        noise=noise_level(raw)[0] if kind == "counts" else None,
        checksum=zlib.crc32(np.ascontiguousarray(pixels, "<u2").data),
    )
    return facts, pixels


def plane_black(raw: RawImage) -> Four:
    """Return the black level of the planes R, G, B, G2."""
    (top, _), (left, _) = border(raw.phase, (2, 2))
    red, green, blue, green2 = (
        raw.black[2 * ((row + top) % 2) + (column + left) % 2] for row, column in CELL
    )
    return red, green, blue, green2


def truth_of(raw: RawImage) -> Counts:
    """Return a clean frame in full colour, (3, 2h, 2w), aligned with `planes_of` to the pixel.

    It is white-balanced linear camera RGB, 0..1 as 0..65535. Blown areas are neutral.
    """
    balanced = start_on_red(linear_mosaic(raw), raw.phase)
    gains = plane_gains(raw.white_balance)
    for gain, (row, column) in zip(gains, CELL, strict=True):
        balanced[row::2, column::2] *= np.float32(gain)
    brightest = min(gains)
    linear = demosaiced(np.minimum(balanced, np.float32(brightest), out=balanced))
    linear *= TRUTH_WHITE
    np.clip(np.rint(linear, out=linear), 0, brightest * TRUTH_WHITE, out=linear)
    return linear.astype(np.uint16)
