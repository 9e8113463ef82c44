"""Small ICC v4 profiles, made from their numbers: sRGB, and the same primaries without a curve.

A matrix/TRC display profile (ICC.1:2022): three colorants relative to D50 and one parametric
curve. Nothing is stored, so there is no blob to license.
"""

import functools
import hashlib
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # ITU-R BT.709, also sRGB
D65 = (0.3127, 0.3290)
D50_XYZ = (0.9642, 1.0, 0.8249)  # the profile connection space's white
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)

# Parametric curves (ICC.1:2022, 10.18): type 0 is x**g; type 3 is (a x + b)**g, c x below d
SRGB_CURVE = (3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
STRAIGHT_CURVE = (0, (1.0,))

PROFILES = {"srgb": ("sRGB", SRGB_CURVE), "linear-srgb": ("Linear sRGB", STRAIGHT_CURVE)}


@functools.cache
def icc_profile(name: str) -> bytes:
    """Return the ICC profile `name`: "srgb" or "linear-srgb". The bytes never change.

    >>> icc_profile("srgb")[36:40]
    b'acsp'
    """
    title, (curve_type, parameters) = PROFILES[name]
    adaptation = _d65_to_d50()
    colorants = adaptation @ _rgb_to_xyz()
    curve = b"para" + struct.pack(">IHH", 0, curve_type, 0) + _fixed(parameters)
    tags = {
        b"desc": _text(f"darkroom {title}"),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(D50_XYZ),
        b"chad": b"sf32" + bytes(4) + _fixed(adaptation.ravel()),
        b"rXYZ": _xyz(colorants[:, 0]),
        b"gXYZ": _xyz(colorants[:, 1]),
        b"bXYZ": _xyz(colorants[:, 2]),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    return _with_identity(_header_and_tags(tags))


def _rgb_to_xyz() -> Matrix:
    """Return linear sRGB -> XYZ under D65, scaled so that white is white."""
    primaries = np.array([_from_xy(*xy) for xy in PRIMARIES]).T
    return np.asarray(primaries * np.linalg.solve(primaries, _from_xy(*D65)))


def _d65_to_d50() -> Matrix:
    """Return Bradford's chromatic adaptation, XYZ under D65 -> XYZ under D50."""
    gains = (BRADFORD @ np.array(D50_XYZ)) / (BRADFORD @ _from_xy(*D65))
    return np.asarray(np.linalg.inv(BRADFORD) @ np.diag(gains) @ BRADFORD)


def _from_xy(x: float, y: float) -> Matrix:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _fixed(values: Sequence[float] | Matrix) -> bytes:
    """Encode s15Fixed16 numbers."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _xyz(values: Sequence[float] | Matrix) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _header_and_tags(tags: dict[bytes, bytes]) -> bytes:
    start = 128 + 4 + 12 * len(tags)
    table, body, offsets = struct.pack(">I", len(tags)), b"", {}
    for signature, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        if padded not in offsets:  # the three curves share one place
            offsets[padded] = start + len(body)
            body += padded
        table += signature + struct.pack(">II", offsets[padded], len(value))
    header = struct.pack(">II", start + len(body), 0)
    header += struct.pack(">I4s4s4s", 0x04300000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(D50_XYZ)
    return header.ljust(128, b"\0") + table + body


def _with_identity(profile: bytes) -> bytes:
    """Fill in the profile ID: MD5 of the profile with flags, intent and ID at zero (all are)."""
    digest = hashlib.md5(profile, usedforsecurity=False).digest()
    return profile[:84] + digest + profile[100:]
