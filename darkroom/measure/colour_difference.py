"""CIELAB and the colour differences people see: CIE 1976 and CIEDE2000."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# IEC 61966-2-1: linear sRGB to CIE XYZ, white D65 (x 0.3127, y 0.3290).
SRGB_TO_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
WHITE = SRGB_TO_XYZ.sum(axis=1)  # so that greys have a = b = 0 exactly
EPSILON = (6 / 29) ** 3


def srgb_to_lab(srgb: npt.ArrayLike) -> Floats:
    """Convert encoded sRGB to CIELAB under D65 (CIE 15, IEC 61966-2-1).

    Args:
        srgb: (..., 3) values in [0, 1].

    Returns:
        (..., 3) of L in [0, 100] and the open-ended a (red) and b (yellow).

    Raises:
        ValueError: the last axis is not 3 long.

    >>> srgb_to_lab([1.0, 0.0, 0.0]).round(2).tolist()
    [53.24, 80.09, 67.2]
    """
    srgb = _colours(srgb)
    power = ((np.maximum(srgb, 0.04045) + 0.055) / 1.055) ** 2.4
    linear = np.where(srgb <= 0.04045, srgb / 12.92, power)
    xyz = linear @ SRGB_TO_XYZ.T / WHITE
    f = np.where(xyz > EPSILON, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e_76(truth: npt.ArrayLike, result: npt.ArrayLike) -> Floats:
    """Return the distance of CIELAB colours, (..., 3) twice -> (...); about 2.3 is just seen.

    Raises:
        ValueError: shapes differ, or the last axis is not 3 long.

    >>> float(delta_e_76([50, 0, 0], [53, 4, 0]))
    5.0
    """
    truth, result = _same_shape(truth, result)
    return np.asarray(np.sqrt(((truth - result) ** 2).sum(axis=-1)), np.float64)


def delta_e_2000(truth: npt.ArrayLike, result: npt.ArrayLike) -> Floats:
    """Return the CIEDE2000 difference of CIELAB colours, (..., 3) twice -> (...); 1 is just seen.

    Equations and names as in Sharma, Wu, Dalal 2005, "The CIEDE2000 color-difference formula",
    with kL = kC = kH = 1.

    Raises:
        ValueError: shapes differ, or the last axis is not 3 long.
    """
    truth, result = _same_shape(truth, result)
    (l1, c1, h1), (l2, c2, h2) = _lightness_chroma_hue(truth, result)
    colourful = c1 * c2 > 0
    turn = h2 - h1
    turn = np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn))  # shorter way
    hue_step = np.where(colourful, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)), 0)
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    hue = np.where(colourful, _mean_hue(h1, h2), h1 + h2)
    light = (l2 - l1) / _lightness_weight(lightness)
    colour = (c2 - c1) / (1 + 0.045 * chroma)
    tint = hue_step / (1 + 0.015 * chroma * _hue_weight(hue))
    squares = light**2 + colour**2 + tint**2 + _rotation(hue, chroma) * colour * tint
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float64)


Polar = tuple[Floats, Floats, Floats]


def _lightness_chroma_hue(truth: Floats, result: Floats) -> tuple[Polar, Polar]:
    """Return L', C', h' (degrees in [0, 360)) of both colours, equations 2 to 7."""
    mean_chroma = (np.hypot(*_ab(truth)) + np.hypot(*_ab(result))) / 2
    stretch = 1.5 - 0.5 * np.sqrt(_share_of_25(mean_chroma))
    return _polar(truth, stretch), _polar(result, stretch)


def _polar(lab: Floats, stretch: Floats) -> Polar:
    a, b = _ab(lab)
    a = a * stretch
    hue = np.degrees(np.arctan2(b, a))
    return lab[..., 0], np.hypot(a, b), np.where(hue < 0, hue + 360, hue)


def _ab(lab: Floats) -> tuple[Floats, Floats]:
    return lab[..., 1], lab[..., 2]


def _share_of_25(chroma: Floats) -> Floats:
    """Return C^7 / (C^7 + 25^7): 0 for greys, 1 for vivid colours."""
    square = chroma * chroma
    seventh = square * square * square * chroma  # ten times faster than a power
    return seventh / (seventh + 25.0**7)


def _mean_hue(h1: Floats, h2: Floats) -> Floats:
    """Return the hue half-way along the shorter arc, equation 14."""
    mean = (h1 + h2) / 2
    across = abs(h1 - h2) > 180
    return np.where(across, np.where(mean < 180, mean + 180, mean - 180), mean)


def _lightness_weight(lightness: Floats) -> Floats:
    """Return S_L, equation 18."""
    offset = (lightness - 50) ** 2
    return 1 + 0.015 * offset / np.sqrt(20 + offset)


def _hue_weight(hue: Floats) -> Floats:
    """Return T, equation 15."""
    terms = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    weight = np.ones_like(hue)
    for size, n, phase in terms:
        weight += size * np.cos(np.radians(n * hue + phase))
    return weight


def _rotation(hue: Floats, chroma: Floats) -> Floats:
    """Return R_T, equations 16, 17 and 21: chroma and hue steps of blues are not independent."""
    angle = 30 * np.exp(-(((hue - 275) / 25) ** 2))
    return np.asarray(-2 * np.sqrt(_share_of_25(chroma)) * np.sin(np.radians(2 * angle)))


def _same_shape(truth: npt.ArrayLike, result: npt.ArrayLike) -> tuple[Floats, Floats]:
    truth, result = _colours(truth), _colours(result)
    if truth.shape != result.shape:
        raise ValueError(f"colours differ in shape: {truth.shape} and {result.shape}")
    return truth, result


def _colours(colours: npt.ArrayLike) -> Floats:
    colours = np.asarray(colours, np.float64)
    if colours.ndim == 0 or colours.shape[-1] != 3:
        raise ValueError(f"colours have shape (..., 3), not {colours.shape}")
    return colours
