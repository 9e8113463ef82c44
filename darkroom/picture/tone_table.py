"""Tone curves as tables of 65536 levels: the key of a light is its square root, in 16 bits.

The square root spends keys as the eye sees: fine steps in the shadows, where tone curves are
steep. Curves that roll highlights off need light brighter than white as well, and are flat there:
from white on, the same step of the square root gets fewer keys.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.errors import UsageProblem
from darkroom.picture.tone import TONES

LAST_KEY = 65535
TO_WHITE = 50_000  # keys from black to white, however much there is above it
HAS_DEEP_TABLES = int(cv2.__version__.partition(".")[0]) >= 5  # cv2.LUT of 16-bit keys

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class ToneTable:
    """A tone curve from light to 16-bit levels.

    Attributes:
        levels: (65536,) uint16, the curve in the middle of each key.
        to_white: keys from black to white.
        brightest: light from which on all keys are the last one, 1 or more.
    """

    levels: Levels
    to_white: int
    brightest: float

    @property
    def scale(self) -> float:
        """Factor that makes the square root of light a key, up to white."""
        return float(self.to_white**2)

    @property
    def above_white(self) -> tuple[float, float]:
        """Slope and offset from such a root to its key, above white."""
        span = self.brightest**0.5 - 1
        slope = (LAST_KEY - self.to_white) / (self.to_white * span) if span else 0.0
        return slope, self.to_white * (1 - slope)


@lru_cache(maxsize=8)
def tone_table(tone: str, brightest: float) -> ToneTable:
    """Return the table of a tone curve; what it gives is within 2/65535 of the exact curve.

    Args:
        tone: name of a curve in `TONES`.
        brightest: light at which the frame's highlights end, 1 to `tone.BRIGHTEST`.

    Raises:
        UsageProblem: no curve has that name.
    """
    if tone not in TONES:
        raise UsageProblem(f'no tone is called "{tone}"; choose one of {", ".join(TONES)}')
    if TONES[tone](1.0, brightest) > 1 - 1e-6:  # nothing above white is told apart
        brightest = 1.0
    to_white = max(TO_WHITE, math.ceil(LAST_KEY / brightest**0.5))  # never fewer than for the rest
    table = ToneTable(np.zeros(0, np.uint16), to_white, brightest)
    light = _light_of(np.arange(LAST_KEY + 1, dtype=np.float64) + np.float64(0.5), table)
    levels = np.rint(TONES[tone](light, brightest) * 65535).astype(np.uint16)
    levels.flags.writeable = False  # shared by every picture
    return ToneTable(levels, to_white, brightest)


def look_up(light: Floats, table: ToneTable, keys: Levels, out: Levels, *, spare: Floats) -> None:
    """Turn light times `table.scale` into levels; negative light becomes black.

    Element by element in plain arithmetic, so that a level does not depend on its neighbours.

    Args:
        light: (h, w, 3), finite; overwritten.
        table: the curve.
        keys: (h, w, 3) to work in.
        out: (h, w, 3) for the levels.
        spare: (h, w, 3) to work in.
    """
    flat = light.reshape(len(light), -1)
    cv2.threshold(flat, 0, 0, cv2.THRESH_TOZERO, dst=flat)
    roots = np.sqrt(light, out=light)
    if float(roots.max(initial=0)) > table.to_white:
        slope, offset = table.above_white
        above = np.multiply(roots, np.float32(slope), out=spare)
        above += np.float32(offset)
        np.minimum(roots, above, out=roots)
        cv2.threshold(flat, LAST_KEY, 0, cv2.THRESH_TRUNC, dst=flat)
    np.copyto(keys, roots, casting="unsafe")
    if HAS_DEEP_TABLES:
        cv2.LUT(keys, table.levels, dst=out)
    else:
        table.levels.take(keys, out=out, mode="clip")


def _light_of(keys: npt.NDArray[np.float64], table: ToneTable) -> npt.NDArray[np.float64]:
    """Return the light of keys: the inverse of what `look_up` does."""
    slope, offset = table.above_white
    above = (keys - offset) / slope if slope else keys
    roots = np.where(keys <= table.to_white, keys, above)
    return (roots / table.to_white) ** 2
