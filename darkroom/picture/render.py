"""Linear camera RGB to a finished picture: highlights, output primaries, tone, orientation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.desk import UNSEEN, Desk, put, rows_at_a_time, take
from darkroom.picture.highlights import LARGEST, fade_highlights
from darkroom.picture.strips import on_all_cores, strips_within
from darkroom.picture.tone import BRIGHTEST as HIGHLIGHTS_END
from darkroom.picture.tone_table import look_up, tone_table

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint16]
Value = TypeVar("Value", np.uint16, np.float32)

# IEC 61966-2-1: linear sRGB to CIE XYZ, white D65 (x 0.3127, y 0.3290).
SRGB_TO_XYZ = np.array(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)

SAMPLED = 64  # of the pixels one is looked at first: most pictures answer at once

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


@dataclass(frozen=True, eq=False)
class Rendering:
    """How camera RGB becomes pixels.

    Attributes:
        camera_to_srgb: (3, 3) as `camera_to_srgb` returns it.
        tone: name of a curve in `TONES`.
        saturation: values of R, G, B at which the sensor was full (white balance x ratio);
            None if nothing is blown.
    """

    camera_to_srgb: npt.ArrayLike
    tone: str
    saturation: tuple[float, float, float] | None = None

    @property
    def clip(self) -> np.float32:
        """The smallest saturation, which ends the highlights of all channels."""
        return np.float32(LARGEST if self.saturation is None else min(self.saturation))


def render(
    linear: Floats,
    *,
    camera_to_srgb: npt.ArrayLike,
    tone: str,
    orientation: int = 1,
    saturation: tuple[float, float, float] | None = None,
) -> Levels:
    """Render white-balanced linear camera RGB as an upright 16-bit picture in sRGB primaries.

    The result is within 2/65535 of the tone curve evaluated exactly. Rows are worked on in
    strips, so that beside the result only a few megabytes are needed.

    Args:
        linear: (3, H, W) float32 in sensor orientation, white at 1, any finite value. Views of
            interleaved pixels (H, W, 3) are as welcome as planes.
        camera_to_srgb: (3, 3) as `camera_to_srgb` returns it.
        tone: name of a curve in `TONES`.
        orientation: TIFF orientation 1..8 of the frame; the result is turned upright.
        saturation: as in `Rendering`.

    Returns:
        (H, W, 3) uint16, or (W, H, 3) for orientations 5 to 8.

    Raises:
        FileProblem: E_NONFINITE if `linear` holds NaN or infinity.
        UsageProblem: unknown tone.
    """
    upright, sensor_view = upright_frame(linear.shape[1], linear.shape[2], orientation)
    render_into(sensor_view, linear, Rendering(camera_to_srgb, tone, saturation))
    return upright


def upright_frame(rows: int, columns: int, orientation: int) -> tuple[Levels, Levels]:
    """Return an empty upright picture, and a view (rows, columns, 3) of it as the sensor saw it.

    What is written into the view, tile by tile for instance, stands upright in the picture.

    Args:
        rows: of the frame, in sensor orientation.
        columns: likewise.
        orientation: TIFF orientation 1..8 of the frame.
    """
    upright = np.empty((columns, rows, 3) if TURNS[orientation][0] else (rows, columns, 3), "u2")
    return upright, turn(upright, TURN_BACK[orientation])


def render_into(view: Levels, linear: Floats, rendering: Rendering) -> None:
    """Render a frame or a tile of one into its place; a pixel's level depends on itself alone.

    Args:
        view: (h, w, 3) uint16 to fill: all or a part of the view that `upright_frame` returns.
        linear: (3, h, w) as `render` takes it.
        rendering: how.

    Raises:
        FileProblem: E_NONFINITE.
        UsageProblem: unknown tone.
    """
    brightest = float(np.clip(rendering.clip, 1, HIGHLIGHTS_END))
    table = tone_table(rendering.tone, brightest)
    matrix = np.asarray(np.asarray(rendering.camera_to_srgb) * table.scale, np.float32)

    def render_strip(view: Levels, linear: Floats, desk: Desk) -> None:
        camera, light, keys, levels = desk.for_shape(view.shape)
        fade_highlights(camera, rendering.clip, take(linear, camera))
        # OpenCV adds up the last pixels in another order; with these they are none of ours.
        pixels = view.shape[0] * view.shape[1] + UNSEEN
        cv2.transform(desk.light[None, :pixels], matrix, dst=desk.spare[None, :pixels])
        look_up(light, table, keys, levels, spare=camera)
        put(levels, view)

    _by_strips(render_strip, view, linear)


def quantise(srgb: Floats, *, orientation: int = 1) -> Levels:
    """Turn a finished sRGB picture (3, H, W) upright and into 16 bits, (H, W, 3) uint16.

    Raises:
        FileProblem: E_NONFINITE if it holds NaN or infinity.
    """
    upright, sensor_view = upright_frame(srgb.shape[1], srgb.shape[2], orientation)
    quantise_into(sensor_view, srgb)
    return upright


def quantise_into(view: Levels, srgb: Floats) -> None:
    """Round a finished sRGB picture or a tile of one, (3, h, w), into its place, clipped to [0, 1].

    Args:
        view: (h, w, 3) uint16 to fill, as `render_into` takes it.
        srgb: (3, h, w), or (1, h, w) for three equal channels.

    Raises:
        FileProblem: E_NONFINITE.
    """

    def quantise_strip(view: Levels, srgb: Floats, desk: Desk) -> None:
        picture, _, _, levels = desk.for_shape(view.shape)
        take(srgb, picture)
        np.clip(picture, 0, 1, out=picture)
        picture *= np.float32(65535)
        np.rint(picture, out=picture)
        np.copyto(levels, picture, casting="unsafe")
        put(levels, view)

    _by_strips(quantise_strip, view, srgb)


def _by_strips(work: Callable[[Levels, Floats, Desk], None], view: Levels, picture: Floats) -> None:
    """Let all cores work on strips of a view (h, w, 3) and of the picture (C, h, w) to fill it."""
    rows = rows_at_a_time(view.shape[1])

    def work_on(band: slice) -> None:
        desk = Desk.for_pixels(rows * view.shape[1])
        for strip in strips_within(band, rows):
            work(view[strip], picture[:, strip], desk)

    on_all_cores(work_on, len(view))


def turn(picture: npt.NDArray[Value], orientation: int) -> npt.NDArray[Value]:
    """Return a view of `picture` (H, W, C), stored with a TIFF orientation, turned upright.

    >>> turn(np.arange(6).reshape(2, 3, 1), 6)[..., 0].tolist()
    [[3, 0], [4, 1], [5, 2]]
    """
    swap, rows_back, columns_back = TURNS[orientation]
    turned = picture.swapaxes(0, 1) if swap else picture
    return turned[:: -1 if rows_back else 1, :: -1 if columns_back else 1]


def flatness(pixels: npt.NDArray[np.uint16]) -> str:
    """Say that all pixels (H, W, 3) are equal, which no photograph's are; "" if they are not."""
    first = pixels[0, 0]
    sample = pixels.reshape(-1, 3)[::SAMPLED]
    if (sample != first).any() or (pixels != first).any():
        return ""
    return "one single colour" if first.any() else "entirely black"


def _useless_matrix() -> FileProblem:
    return FileProblem(
        FailureCode.METADATA,
        "the colour matrix of the file describes no camera",
        "convert the file to DNG with a current converter and try again",
    )
