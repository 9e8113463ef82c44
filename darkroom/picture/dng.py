"""Bayer mosaics as DNG files: what `darkroom simulate` writes and every RAW converter reads.

The tags are those of the DNG specification 1.4 that readers proved to need: LibRaw loses the
black level without BlackLevelRepeatDim and the ISO outside the EXIF directory; rawspeed refuses
a mosaic without CFARepeatPatternDim.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

import darkroom
from darkroom.picture.ifd import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    ExifEntry,
    write_tiff_file,
)
from darkroom.picture.metadata import carried_entries, safe_text, versioned
from darkroom.publish import BinaryFile

CFA_PHOTOMETRIC = 32803
D65_ILLUMINANT = 21
RED_GREEN_BLUE = bytes([0, 1, 2])
EXPOSURE_TIME, F_NUMBER, ISO, SENSITIVITY_TYPE, EXPOSURE_INDEX = 33434, 33437, 34855, 34864, 34866
# ShutterSpeedValue, ApertureValue and two kinds of ISO say the same again, in other units
OTHER_UNITS = frozenset({37377, 37378, 34865, 34867})
HIGHEST_SHORT = 65535


def write_bayer_dng(
    file: BinaryFile,
    mosaic: npt.NDArray[np.uint16],
    *,
    phase: str,
    black: Sequence[int],
    white: int,
    xyz_to_camera: npt.NDArray[np.float64],
    white_balance: Sequence[float],
    make: str,
    model: str,
    orientation: int = 1,
    seconds: float | None = None,
    iso: float | None = None,
    aperture: float | None = None,
    exif: Iterable[ExifEntry] = (),
    noise_profile: Sequence[tuple[float, float]] | None = None,
) -> None:
    """Write a mosaic as an uncompressed 16-bit DNG; equal arguments give equal bytes.

    A camera that LibRaw knows by `make` and `model` keeps LibRaw's own colour matrix on reading.

    Args:
        file: an empty file to fill.
        mosaic: (H, W) uint16 counts, in sensor orientation; any size.
        phase: colours of the first 2x2 cell, row by row: RGGB, GRBG, GBRG or BGGR.
        black: black level in counts of the four positions of that cell, row by row.
        white: count at which the sensor saturates, at most 65535.
        xyz_to_camera: (3, 3) matrix from CIE XYZ (D65) to camera RGB.
        white_balance: as-shot gains of R, G, B.
        make: camera maker.
        model: camera model.
        orientation: TIFF orientation 1..8 that turns the picture upright.
        seconds: shutter time; it, `iso` and `aperture` replace those of `exif` where given.
        iso: sensitivity.
        aperture: f-number.
        exif: entries of another file to carry over.
        noise_profile: (S, O) of R, G, B: variance = S * signal + O with black 0 and white 1.
    """
    exposure = _exposure_entries(seconds, iso, aperture)
    carried = carried_entries(exif)
    if exposure:
        carried = tuple(entry for entry in carried if entry[1] not in OTHER_UNITS)
    entries = (
        *carried,
        *exposure,
        *_file_entries(mosaic.shape, make, model, orientation),
        *_sensor_entries(phase, black, white),
        *_colour_entries(xyz_to_camera, white_balance),
        *_noise_entries(noise_profile),
    )
    strip = np.ascontiguousarray(mosaic, "<u2").tobytes()
    write_tiff_file(file, versioned(entries), [strip], strip_count=1)


def _exposure_entries(
    seconds: float | None, iso: float | None, aperture: float | None
) -> list[ExifEntry]:
    entries: list[ExifEntry] = []
    if seconds is not None:
        entries.append(("exif", EXPOSURE_TIME, RATIONAL, _ratios([seconds])))
    if aperture is not None:
        entries.append(("exif", F_NUMBER, RATIONAL, _ratios([aperture])))
    if iso is not None:
        whole = round(iso)
        entries += [
            ("exif", ISO, SHORT, (min(whole, HIGHEST_SHORT),)),
            ("exif", SENSITIVITY_TYPE, SHORT, (2,)),  # the index below says the exact number
            ("exif", EXPOSURE_INDEX, LONG, (whole,)),
        ]
    return entries


def _file_entries(
    shape: tuple[int, ...], make: str, model: str, orientation: int
) -> list[ExifEntry]:
    make, model = safe_text(make), safe_text(model)
    rows, columns = shape
    return [
        ("image", 254, LONG, (0,)),  # NewSubFileType: the full picture
        ("image", 256, LONG, (columns,)),
        ("image", 257, LONG, (rows,)),
        ("image", 258, SHORT, (16,)),  # BitsPerSample
        ("image", 259, SHORT, (1,)),  # Compression: none
        ("image", 262, SHORT, (CFA_PHOTOMETRIC,)),
        ("image", 271, ASCII, make),
        ("image", 272, ASCII, model),
        ("image", 274, SHORT, (orientation,)),
        ("image", 277, SHORT, (1,)),  # SamplesPerPixel
        ("image", 278, LONG, (rows,)),  # RowsPerStrip
        ("image", 284, SHORT, (1,)),  # PlanarConfiguration
        ("image", 305, ASCII, f"darkroom {darkroom.__version__}"),
        ("image", 50706, BYTE, bytes([1, 4, 0, 0])),  # DNGVersion
        ("image", 50707, BYTE, bytes([1, 1, 0, 0])),  # DNGBackwardVersion
        ("image", 50708, ASCII, f"{make} {model}"),  # UniqueCameraModel
    ]


def _sensor_entries(phase: str, black: Sequence[int], white: int) -> list[ExifEntry]:
    return [
        ("image", 33421, SHORT, (2, 2)),  # CFARepeatPatternDim
        ("image", 33422, BYTE, bytes("RGB".index(colour) for colour in phase)),  # CFAPattern
        ("image", 50710, BYTE, RED_GREEN_BLUE),  # CFAPlaneColor
        ("image", 50711, SHORT, (1,)),  # CFALayout: rectangular
        ("image", 50713, SHORT, (2, 2)),  # BlackLevelRepeatDim
        ("image", 50714, SHORT, tuple(int(level) for level in black)),  # BlackLevel
        ("image", 50717, SHORT, (int(white),)),  # WhiteLevel
    ]


def _colour_entries(
    xyz_to_camera: npt.NDArray[np.float64], white_balance: Sequence[float]
) -> list[ExifEntry]:
    neutral = [white_balance[1] / gain for gain in white_balance]
    matrix = [part for value in np.ravel(xyz_to_camera) for part in (round(value * 10000), 10000)]
    return [
        ("image", 50721, SRATIONAL, tuple(matrix)),  # ColorMatrix1
        ("image", 50728, RATIONAL, _ratios(neutral)),  # AsShotNeutral
        ("image", 50730, SRATIONAL, (0, 1)),  # BaselineExposure
        ("image", 50778, SHORT, (D65_ILLUMINANT,)),  # CalibrationIlluminant1
    ]


def _noise_entries(profile: Sequence[tuple[float, float]] | None) -> list[ExifEntry]:
    if profile is None:
        return []
    return [("image", 51041, DOUBLE, tuple(float(part) for pair in profile for part in pair))]


def _ratios(values: Iterable[float]) -> tuple[int, ...]:
    """Return each value as the nearest fraction with a denominator up to a million.

    >>> _ratios([1 / 30, 2.8])
    (1, 30, 14, 5)
    """
    fractions = [Fraction(float(value)).limit_denominator(1_000_000) for value in values]
    return tuple(part for value in fractions for part in (value.numerator, value.denominator))
