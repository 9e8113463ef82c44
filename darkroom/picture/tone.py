"""Tone curves: linear light [0, inf) to encoded values [0, 1], the same curve for every channel.

Each takes the light and the brightest light that the frame can hold (1 or more, where its sensor
saturates); only a curve that rolls highlights off cares for the second.

A curve per channel keeps neutrals neutral, and where one channel nears 1 before the others it
lets bright colours fade to white, as film does.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Curve = Callable[[npt.ArrayLike, float], Floats]

BRIGHTEST = 8.0  # three stops over white: where highlights end if nothing is said

# Where the shoulder of `standard` begins, as an sRGB value; 0.85 is 0.69 of linear white.
KNEE = 0.85

# ITU-R BT.709 with its two constants solved for a smooth joint of power and line.
LIBRAW_POWER = 1 / 2.222
LIBRAW_SLOPE = 4.5
LIBRAW_TOE = 0.018050155693788428  # linear value at which the straight toe ends
LIBRAW_OFFSET = 0.09925780616014256  # equals LIBRAW_SLOPE * LIBRAW_TOE * (1 / LIBRAW_POWER - 1)


def srgb_encode(linear: npt.ArrayLike) -> Floats:
    """Encode linear light by the sRGB curve, continued above 1 and cut off below 0.

    IEC 61966-2-1: 12.92 x up to 0.0031308, else 1.055 x^(1/2.4) - 0.055.

    Args:
        linear: any shape, white at 1; float32 and float64 keep their precision.

    >>> float(srgb_encode(0.18).round(4))
    0.4614
    """
    x = _at_least_0(linear)
    encoded: Floats = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    return encoded


def srgb_decode(srgb: npt.ArrayLike) -> Floats:
    """Decode sRGB values to linear light, the inverse of `srgb_encode`.

    >>> float(srgb_decode(0.5).round(4))
    0.214
    """
    v = _at_least_0(srgb)
    linear: Floats = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    return linear


def srgb(linear: npt.ArrayLike, _brightest: float = BRIGHTEST) -> Floats:
    """Encode by sRGB and clip at white: measured values stay exact, highlights are lost."""
    return np.minimum(srgb_encode(linear), 1)


def standard(linear: npt.ArrayLike, brightest: float = BRIGHTEST) -> Floats:
    """Encode by sRGB and roll highlights off, so that light brighter than white keeps detail.

    Up to the knee k = 0.85 (0.69 linear) this *is* the sRGB curve: mid-grey and all below keep
    the brightness that the ratio gave them, and no contrast is added to noisy shadows. Above,
    with v the sRGB value continued past 1, t = (v - k) / (1 - k) and T the t of `brightest`, it
    is Reinhard's extended operator (Reinhard et al. 2002, equation 4):

        k + (1 - k) t (1 + t / T^2) / (1 + t)

    Value and slope join at the knee and `brightest` becomes 1. For a frame that holds nothing
    above white (brightest = 1) the whole is the sRGB curve again: white stays white.

    >>> [round(float(standard(light)), 3) for light in (0.18, 0.69, 1, 2, 4, 8)]
    [0.461, 0.849, 0.926, 0.969, 0.987, 1.0]
    >>> float(standard(1, 1).round(6))
    1.0
    """
    v = srgb_encode(linear)
    over = np.maximum((v - KNEE) / (1 - KNEE), 0)
    top = float((srgb_encode(max(brightest, 1.0)) - KNEE) / (1 - KNEE))
    rolled = over * (1 + over / top**2) / (1 + over)
    return np.where(v <= KNEE, v, np.minimum(KNEE + (1 - KNEE) * rolled, 1))


def clipped(linear: npt.ArrayLike, _brightest: float = BRIGHTEST) -> Floats:
    """Keep linear light, clipped to [0, 1]."""
    return np.minimum(_at_least_0(linear), 1)


def libraw(linear: npt.ArrayLike, _brightest: float = BRIGHTEST) -> Floats:
    """Encode as LibRaw and dcraw do by default: power 1 / 2.222 with a toe of slope 4.5.

    This is the curve of the pictures that "Learning to See in the Dark" was trained on. LibRaw's
    automatic brightening is not part of it.
    """
    x = _at_least_0(linear)
    power: Floats = (1 + LIBRAW_OFFSET) * x**LIBRAW_POWER - LIBRAW_OFFSET
    encoded: Floats = np.where(x < LIBRAW_TOE, LIBRAW_SLOPE * x, power)
    return np.minimum(encoded, 1)


def _at_least_0(values: npt.ArrayLike) -> Floats:
    """Return `values` as floats with noise below black cut off."""
    light = np.asarray(values)
    floats: Floats = light if light.dtype == np.float32 else light.astype(np.float64)
    return np.maximum(floats, 0)


TONES: dict[str, Curve] = {
    "srgb": srgb,
    "standard": standard,
    "linear": clipped,
    "libraw": libraw,
}
