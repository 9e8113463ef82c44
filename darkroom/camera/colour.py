"""White balance and camera matrix from whatever a file offers, best source first."""

import numpy as np
import numpy.typing as npt
import rawpy

from darkroom.camera import directories as tags
from darkroom.camera.directories import Tiff

Matrix = npt.NDArray[np.float64]
Gains = tuple[float, float, float]

# IEC 61966-2-1: CIE XYZ (D65) to linear sRGB.
SRGB_TO_XYZ: Matrix = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
XYZ_TO_SRGB: Matrix = np.asarray(np.linalg.inv(SRGB_TO_XYZ), np.float64)
D65_ILLUMINANT = 21  # EXIF LightSource
MAX_GAIN = 50.0  # beyond it a white balance is a broken number, not a light
MIN_DETERMINANT = 1e-4


def xyz_to_camera(raw: rawpy.RawPy, tiff: Tiff | None) -> tuple[Matrix, tuple[str, ...]]:
    """Return the matrix from CIE XYZ (D65) to camera RGB, and warnings.

    A DNG's own ColorMatrix comes first: LibRaw would rather believe its table of cameras than the
    file. Then that table, the inverse of LibRaw's camera-to-sRGB matrix, and last a camera that
    sees like sRGB.
    """
    for matrix in (dng_matrix(tiff), known_matrix(raw), inverted_matrix(raw)):
        if matrix is not None:
            return matrix, ()
    return XYZ_TO_SRGB, ("the file has no colour matrix: its colours are taken as sRGB",)


def known_matrix(raw: rawpy.RawPy) -> Matrix | None:
    """Return the matrix of LibRaw's camera table."""
    return usable(np.asarray(raw.rgb_xyz_matrix, np.float64)[:3, :3])


def dng_matrix(tiff: Tiff | None) -> Matrix | None:
    """Return the ColorMatrix for daylight, scaled by AnalogBalance (DNG 1.7, chapter 6)."""
    if tiff is None:
        return None
    lights = [tiff.numbers(tag)[:1] for tag in tags.ILLUMINANTS]
    matrices = [tiff.numbers(tag) for tag in tags.COLOR_MATRICES]
    # D65 first; without it ColorMatrix2, which the specification wants for the bluer light.
    order = sorted((1, 0, 2), key=lambda index: lights[index] != (D65_ILLUMINANT,))
    balance = tiff.numbers(tags.ANALOG_BALANCE)
    scale = np.array(balance if len(balance) == 3 and min(balance) > 0 else (1.0, 1.0, 1.0))
    for index in order:
        if len(matrices[index]) == 9:
            matrix = usable(scale[:, None] * np.reshape(matrices[index], (3, 3)))
            if matrix is not None:
                return matrix
    return None


def inverted_matrix(raw: rawpy.RawPy) -> Matrix | None:
    """Return the matrix behind LibRaw's white-balanced-camera-to-sRGB matrix."""
    camera_to_srgb = usable(np.asarray(raw.color_matrix, np.float64)[:, :3])
    if camera_to_srgb is None:
        return None
    daylight = gains(raw.daylight_whitebalance) or (1.0, 1.0, 1.0)
    return usable(np.linalg.inv(camera_to_srgb) @ XYZ_TO_SRGB / np.array(daylight)[:, None])


def usable(matrix: Matrix) -> Matrix | None:
    """Return the matrix if it is finite and can be inverted, else None."""
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        return None
    size = np.abs(matrix).max()
    if size == 0 or abs(np.linalg.det(matrix / size)) < MIN_DETERMINANT:
        return None
    return matrix


def white_balance(
    raw: rawpy.RawPy, tiff: Tiff | None, matrix: Matrix, means: Gains
) -> tuple[Gains, tuple[str, ...]]:
    """Return the as-shot gains of R, G, B with green at 1, and warnings.

    Args:
        raw: the decoded file.
        tiff: its directories, None for other structures.
        matrix: XYZ to camera.
        means: mean signal of R, G, B above black, for the last resort.
    """
    as_shot = gains(raw.camera_whitebalance)
    # LibRaw answers 1 1 1 for an unreadable AsShotNeutral too.
    stated = tiff is not None and gains(tiff.numbers(tags.AS_SHOT_NEUTRAL)) is not None
    if as_shot and (stated or as_shot != (1.0, 1.0, 1.0)):
        return as_shot, ()
    from_light = white_point_gains(tiff, matrix)
    if from_light:
        return from_light, ()
    daylight = gains(raw.daylight_whitebalance)
    if daylight and daylight != (1.0, 1.0, 1.0):
        return daylight, ("the file has no white balance: daylight is assumed",)
    red, green, blue = means
    grey = gains((green / red, 1.0, green / blue)) if min(means) > 0 else None
    warning = "the file has no white balance: the picture's mean is taken as grey"
    return grey or (1.0, 1.0, 1.0), (warning,)


def white_point_gains(tiff: Tiff | None, matrix: Matrix) -> Gains | None:
    """Return the gains that AsShotWhiteXY asks for through the camera matrix."""
    white = tiff.numbers(tags.AS_SHOT_WHITE_XY) if tiff else ()
    if len(white) != 2 or not 0 < white[0] < 1 or not 0 < white[1] < 1:
        return None
    horizontal, vertical = white
    xyz = np.array([horizontal / vertical, 1.0, (1 - horizontal - vertical) / vertical])
    neutral = matrix @ xyz
    return gains(1 / neutral) if (neutral > 0).all() else None


def gains(values: object) -> Gains | None:
    """Return three positive numbers with green at 1, None if they cannot be gains.

    >>> gains([2884, 1024, 1444, 1024]), gains([0.0, 1.0, 0.0, 0.0])
    ((2.81640625, 1.0, 1.41015625), None)
    """
    numbers = np.asarray(values, np.float64).ravel()[:3]
    if len(numbers) < 3 or not np.isfinite(numbers).all() or numbers.min() <= 0:
        return None
    red, green, blue = (float(number) for number in numbers / numbers[1])
    extreme = max(red, blue, 1 / red, 1 / blue)
    return (red, green, blue) if extreme <= MAX_GAIN else None
