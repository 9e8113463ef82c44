"""The lightness of one picture with the colours of another."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from darkroom.picture.render import SRGB_TO_XYZ
from darkroom.picture.tone import srgb_decode, srgb_encode

FloatArray = npt.NDArray[np.float32]

STRIP = 8  # rows at a time: bounds the copies and keeps them in the cache
MOST_THREADS = 4
TO_RELATIVE = (SRGB_TO_XYZ / SRGB_TO_XYZ.sum(axis=1, keepdims=True)).astype(np.float32)
FROM_RELATIVE = np.linalg.inv(TO_RELATIVE.astype(np.float64)).astype(np.float32)
KINK = np.float32(6 / 29)  # CIE 15: below its cube, the root becomes a straight line
SLOPE = np.float32(3) * KINK**2
LEVELS = 1 << 16  # as many as a file can tell apart
DECODED = srgb_decode(np.arange(LEVELS) / (LEVELS - 1)).astype(np.float32)


def with_luminance(srgb: FloatArray, grey: FloatArray, share: float) -> FloatArray:
    """Mix the lightness of a picture with that of a grey one; its chroma stays.

    L of CIELAB (CIE 15, D65) becomes (1 - share) L + share L of the grey picture, a and b are
    kept. Colours that sRGB cannot show at the new lightness are clipped.

    Args:
        srgb: (3, H, W), sRGB-coded; values are clipped to [0, 1].
        grey: (H, W) in [0, 1], coded likewise.
        share: 0 to 1.

    Returns:
        (3, H, W) in [0, 1].
    """
    mixed = np.empty_like(srgb)

    def fill(top: int) -> None:
        rows = slice(top, top + STRIP)
        mixed[:, rows] = _mixed(srgb[:, rows], grey[rows], np.float32(share))

    threads = min(os.cpu_count() or 1, MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(grey), STRIP)))
    return mixed


def _mixed(srgb: FloatArray, grey: FloatArray, share: np.float32) -> FloatArray:
    """Return one strip.

    With f the root of CIELAB, L is 116 f(Y) - 16, a is 500 (f(X) - f(Y)) and b 200 (f(Y) - f(Z)).
    So a and b stay as they are where all three f grow by the same.
    """
    linear = _linear(np.clip(srgb, 0, 1))
    roots = _root(_recoloured(TO_RELATIVE, linear))
    roots += share * (_root(_linear(grey)) - roots[1])
    linear = _recoloured(FROM_RELATIVE, _power(roots))
    return np.minimum(_coded(linear), 1)


def _recoloured(matrix: FloatArray, colours: FloatArray) -> FloatArray:
    """Return the matrix times the colours (3, H, W); written out, the same on every machine."""
    return np.stack([r * colours[0] + g * colours[1] + b * colours[2] for r, g, b in matrix])


def _linear(srgb: FloatArray) -> FloatArray:
    levels = np.rint(srgb * np.float32(LEVELS - 1)).astype(np.uint16)
    return np.asarray(DECODED.take(levels), np.float32)


def _coded(linear: FloatArray) -> FloatArray:
    return np.asarray(srgb_encode(linear), np.float32)


def _root(light: FloatArray) -> FloatArray:
    """Return f of CIE 15, of light relative to white: the cube root, and its tangent below."""
    root = np.cbrt(np.maximum(light, KINK**3))
    return np.asarray(root + np.minimum(light - KINK**3, 0) / SLOPE, np.float32)


def _power(roots: FloatArray) -> FloatArray:
    """Return the light of which these are f."""
    upper = np.maximum(roots, KINK)
    line = np.minimum(roots - KINK, 0) * SLOPE
    return np.asarray(upper * upper * upper + line, np.float32)
