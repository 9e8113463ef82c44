"""Linear camera RGB to a finished picture: highlights, output primaries, tone, orientation."""

from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.picture.tone import BRIGHTEST as HIGHLIGHTS_END
from darkroom.picture.tone import TONES

# IEC 61966-2-1: linear sRGB to CIE XYZ, white D65 (x 0.3127, y 0.3290).
Value = TypeVar("Value", np.uint16, np.float32)

SRGB_TO_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)

BRIGHTEST = np.float32(2.0**10)  # times white; all the light a tone curve is asked about
LARGEST = np.float32(2.0**20)  # keeps the matrix product finite
NEARLY_FULL, FULL = np.float32(0.8), np.float32(0.95)  # of the saturation a file claims
SAMPLED = 64  # of the pixels one is looked at first: most pictures answer at once
STRIP = 32  # rows at a time: the strip stays in the processor's cache

# A tone table is indexed by the upper bits of a float32: 2^14 steps an octave, from 2^-21.
DROPPED_BITS = 9
FIRST_KEY = int(np.float32(2.0**-21).view(np.int32)) >> DROPPED_BITS
LAST_KEY = int(BRIGHTEST.view(np.int32)) >> DROPPED_BITS

# TIFF orientation: whether rows and columns swap, then whether rows, columns run backwards.
TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
TURN_BACK = {**{orientation: orientation for orientation in TURNS}, 6: 8, 8: 6}


def camera_to_srgb(xyz_to_camera: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the matrix from white-balanced camera RGB to linear sRGB, (3, 3), rows sum to 1.

    As dcraw's `cam_xyz_coeff`: the camera's answer to each sRGB primary, every row divided by
    its answer to white (which is what white balance does), then inverted. White stays white
    whatever the matrix.

    Args:
        xyz_to_camera: (3, 3) from CIE XYZ (D65) to camera RGB, as DNG's ColorMatrix.

    Raises:
        FileProblem: E_METADATA if the matrix describes no camera.
    """
    srgb_to_camera = np.asarray(xyz_to_camera, np.float64) @ SRGB_TO_XYZ
    white = srgb_to_camera.sum(axis=1, keepdims=True)
    if not (np.isfinite(white).all() and (white > 0).all()):
        raise _useless_matrix()
    balanced = srgb_to_camera / white
    if np.linalg.cond(balanced) > 1e6:
        raise _useless_matrix()
    return np.asarray(np.linalg.inv(balanced), np.float64)


def render(
    linear: npt.NDArray[np.float32],
    *,
    camera_to_srgb: npt.ArrayLike,
    tone: str,
    orientation: int = 1,
    saturation: tuple[float, float, float] | None = None,
) -> npt.NDArray[np.uint16]:
    """Render white-balanced linear camera RGB as an upright 16-bit picture in sRGB primaries.

    The result is within 2/65535 of the tone curve evaluated exactly. Rows are worked on in
    strips, so that beside the result only a few megabytes are needed.

    Args:
        linear: (3, H, W) float32 in sensor orientation, white at 1, any finite value.
        camera_to_srgb: (3, 3) as `camera_to_srgb` returns it.
        tone: name of a curve in `TONES`.
        orientation: TIFF orientation 1..8 of the frame; the result is turned upright.
        saturation: values of R, G, B at which the sensor was full (white balance x ratio);
            None if nothing is blown.

    Returns:
        (H, W, 3) uint16, or (W, H, 3) for orientations 5 to 8.

    Raises:
        FileProblem: E_NONFINITE if `linear` holds NaN or infinity.
        UsageProblem: unknown tone.
    """
    clip = np.float32(LARGEST if saturation is None else min(saturation))
    levels = _tone_table(tone, float(np.clip(clip, 1, HIGHLIGHTS_END)))
    matrix = np.asarray(camera_to_srgb, np.float32)
    _, rows, columns = linear.shape
    upright = np.empty((columns, rows, 3) if TURNS[orientation][0] else (rows, columns, 3), "u2")
    sensor_view = turn(upright, TURN_BACK[orientation])  # filling it turns without a copy
    for top in range(0, rows, STRIP):
        strip = linear[:, top : top + STRIP]
        _require_finite(strip)
        camera = clip_highlights(strip, clip)
        for channel, (r, g, b) in enumerate(matrix):
            # written out: faster in strips than BLAS, and the same on every machine
            srgb = r * camera[0] + g * camera[1] + b * camera[2]
            sensor_view[top : top + STRIP, :, channel] = _look_up(levels, srgb)
    return upright


def quantise(srgb: npt.NDArray[np.float32], *, orientation: int = 1) -> npt.NDArray[np.uint16]:
    """Turn a finished sRGB picture (3, H, W) upright and into 16 bits, (H, W, 3) uint16.

    Raises:
        FileProblem: E_NONFINITE if it holds NaN or infinity.
    """
    _require_finite(srgb)
    levels = np.rint(np.clip(np.moveaxis(srgb, 0, -1), 0, 1) * 65535).astype(np.uint16)
    return np.ascontiguousarray(turn(levels, orientation))


def clip_highlights(linear: npt.NDArray[np.float32], clip: np.float32) -> npt.NDArray[np.float32]:
    """Clip camera RGB at `clip` for all channels, fading to neutral what is blown.

    White balance multiplies the channels, so that blown areas hold a different value in each:
    unclipped they turn magenta. `clip` is the smallest of the three saturation values, and what
    is blown comes out as (clip, clip, clip): neutral, since colour matrices keep white white.

    Two things spoil a plain clip, and make a pixel fade to the neutral of its brightest channel,
    each by a share that grows without a step:

    - Only some channels exceed the clip: cutting them bends the hue, orange lamps turn yellow.
      The share is the light that the brightest loses, 1 - clip / brightest.
    - All channels are near the clip, but one is not over it: many sensors are full a few per
      cent below the white level of their files. The share runs from 0 where the darkest channel
      is at 0.8 clip to 1 where it is at 0.95 clip.

    Args:
        linear: (3, H, W) white-balanced camera RGB.
        clip: the smallest white-balanced saturation, above 0.

    >>> clip_highlights(np.float32([[[1.6]], [[0.8]], [[0.4]]]), np.float32(1)).ravel().tolist()
    [1.0, 0.875, 0.625]
    """
    clipped = np.clip(linear, -LARGEST, clip)
    brightest = linear.max(axis=0)
    if brightest.max(initial=0) <= NEARLY_FULL * clip:
        return clipped
    lost = 1 - clip / np.maximum(brightest, clip)
    near = (linear.min(axis=0) / clip - NEARLY_FULL) / (FULL - NEARLY_FULL)
    near = np.clip(near, 0, 1)
    kept = (1 - lost) * (1 - near * near * (3 - 2 * near))
    neutral = np.minimum(brightest, clip)
    faded: npt.NDArray[np.float32] = neutral + kept * (clipped - neutral)
    return faded


def turn(picture: npt.NDArray[Value], orientation: int) -> npt.NDArray[Value]:
    """Return a view of `picture` (H, W, C), stored with a TIFF orientation, turned upright.

    >>> turn(np.arange(6).reshape(2, 3, 1), 6)[..., 0].tolist()
    [[3, 0], [4, 1], [5, 2]]
    """
    swap, rows_back, columns_back = TURNS[orientation]
    turned = picture.swapaxes(0, 1) if swap else picture
    return turned[:: -1 if rows_back else 1, :: -1 if columns_back else 1]


@lru_cache(maxsize=8)
def _tone_table(tone: str, brightest: float) -> npt.NDArray[np.uint16]:
    """Return the 16-bit level of every table key: the curve at the middle of its interval.

    The upper bits of a float32 are a logarithmic scale: fine steps in the shadows, where tone
    curves are steep, and no root or logarithm to take for each pixel.
    """
    if tone not in TONES:
        raise UsageProblem(f'no tone is called "{tone}"; choose one of {", ".join(TONES)}')
    keys = np.arange(FIRST_KEY, LAST_KEY + 1, dtype=np.int32)
    middles = (keys << DROPPED_BITS | 1 << DROPPED_BITS - 1).view(np.float32)
    levels = np.rint(TONES[tone](middles.astype(np.float64), brightest) * 65535).astype(np.uint16)
    levels.flags.writeable = False  # shared by every picture
    return levels


def flatness(pixels: npt.NDArray[np.uint16]) -> str:
    """Say that all pixels (H, W, 3) are equal, which no photograph's are; "" if they are not."""
    first = pixels[0, 0]
    sample = pixels.reshape(-1, 3)[::SAMPLED]
    if (sample != first).any() or (pixels != first).any():
        return ""
    return "one single colour" if first.any() else "entirely black"


def _look_up(
    levels: npt.NDArray[np.uint16], linear: npt.NDArray[np.float32]
) -> npt.NDArray[np.uint16]:
    """Return the level of every value; out-of-gamut negatives become black."""
    keys = np.maximum(linear, 0).view(np.int32) >> DROPPED_BITS
    return levels.take(keys - FIRST_KEY, mode="clip")  # clip: darker or brighter than the table


def _require_finite(linear: npt.NDArray[np.float32]) -> None:
    if not np.isfinite(linear).all():
        raise FileProblem(
            FailureCode.NONFINITE,
            "the enhanced picture holds values that are not numbers",
            "try another model or --device cpu",
        )


def _useless_matrix() -> FileProblem:
    return FileProblem(
        FailureCode.METADATA,
        "the colour matrix of the file describes no camera",
        "convert the file to DNG with a current converter and try again",
    )
