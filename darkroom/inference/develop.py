"""From counts to 16-bit pixels where the network computes, as camera and picture do it in numpy.

What differs from frame to frame comes as tensors, the rest is a `Layout`, and no step waits for
the device: so all steps of a layout can be recorded and played back. Torch knows little of
uint16, so counts and levels travel as int16 that hold the same bits.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from darkroom.camera.bayer import CELL, border, red_offset
from darkroom.camera.raw import RawImage
from darkroom.picture.highlights import FULL, LARGEST, NEARLY_FULL
from darkroom.picture.render import TURNS, Rendering
from darkroom.picture.tone import BRIGHTEST
from darkroom.picture.tone_table import LAST_KEY, ToneTable, tone_table

FloatArray = npt.NDArray[np.float32]
Bits = npt.NDArray[np.int16]
Predict = Callable[[Tensor, Tensor], Tensor]  # planes (1, 4, h, w), noise (1, 8): (1, 3, 2h, 2w)

BLACK, SPAN, NOISE = slice(0, 4), slice(4, 8), slice(8, 16)  # places in a frame's numbers
MATRIX, CLIP, SLOPE, OFFSET, COUNT = slice(16, 25), 25, 26, 27, 28


@dataclass(frozen=True)
class Layout:
    """What decides which steps a frame takes.

    Attributes:
        shape: rows and columns of the mosaic.
        phase: as in `RawImage`.
        clips: whether the planes are clipped to 0..1 before the network.
        is_rendered: whether the network gives light of the camera; else finished sRGB.
    """

    shape: tuple[int, int]
    phase: str
    clips: bool
    is_rendered: bool


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of a frame, and how it is to look.

    Attributes:
        layout: the steps it takes.
        black: of the four positions of a cell, as in `RawImage`.
        white: count at which the sensor is full.
        gains: of the planes R, G, B, G2: white balance times ratio.
        noise: (8,) as the network is told it.
        rendering: how light becomes pixels; None for finished sRGB.
        orientation: TIFF orientation 1..8.
    """

    layout: Layout
    black: tuple[float, float, float, float]
    white: float
    gains: tuple[float, float, float, float]
    noise: FloatArray
    rendering: Rendering | None
    orientation: int = 1


def facts_of(
    raw: RawImage,
    gains: tuple[float, float, float, float],
    noise: FloatArray,
    rendering: Rendering | None,
    *,
    clips: bool,
) -> Facts:
    """Return the facts of a frame; the arguments are those of `Facts`."""
    rows, columns = raw.mosaic.shape
    layout = Layout((rows, columns), raw.phase, clips, rendering is not None)
    return Facts(layout, raw.black, raw.white, gains, noise, rendering, raw.orientation)


def numbers_of(facts: Facts) -> FloatArray:
    """Return all that differs from frame to frame but its counts and its tone, (COUNT,)."""
    top, left = red_offset(facts.layout.phase)
    black = np.array([facts.black[2 * (row ^ top) + (column ^ left)] for row, column in CELL])
    numbers = np.zeros(COUNT, np.float32)
    numbers[BLACK] = black
    numbers[SPAN] = (facts.white - black) / np.array(facts.gains)
    numbers[NOISE] = facts.noise
    if facts.rendering:
        table = table_of(facts.rendering)
        numbers[MATRIX] = np.ravel(np.asarray(facts.rendering.camera_to_srgb) * table.scale)
        numbers[CLIP] = facts.rendering.clip
        numbers[SLOPE], numbers[OFFSET] = table.above_white
    return numbers


def tone_of(facts: Facts) -> Bits:
    """Return the levels of the tone's keys, (LAST_KEY + 1,); a zero where no tone is needed."""
    if facts.rendering is None:
        return np.zeros(1, np.int16)
    return table_of(facts.rendering).levels.view(np.int16)


def table_of(rendering: Rendering) -> ToneTable:
    """Return the table of a rendering's tone."""
    return tone_table(rendering.tone, float(np.clip(rendering.clip, 1, BRIGHTEST)))


def develop(
    counts: Tensor, numbers: Tensor, tone: Tensor, *, layout: Layout, predict: Predict
) -> tuple[Tensor, Tensor]:
    """Develop a frame; the levels differ from numpy's by no more than 2 of 65535.

    Args:
        counts: (H, W) int16, bits of the mosaic's counts.
        numbers: (COUNT,) as `numbers_of` returns it.
        tone: as `tone_of` returns it.
        layout: the steps.
        predict: runs the network.

    Returns:
        The levels (3, H, W) in sensor orientation, int16, and what `Checks` is made of.
    """
    planes = amplified_planes(counts, numbers, layout)
    picture = predict(planes[None], numbers[None, NOISE])[0].float()
    (top, _), (left, _) = border(layout.phase, layout.shape)
    rows, columns = layout.shape
    seen = picture[:, top : top + rows, left : left + columns]
    levels = rendered(seen, numbers, tone) if layout.is_rendered else quantised(seen)
    return levels, checked(picture, levels)


def amplified_planes(counts: Tensor, numbers: Tensor, layout: Layout) -> Tensor:
    """Return the planes R, G, B, G2 (4, h, w) as `camera.bayer.amplified_planes` makes them.

    Their memory is interleaved, as the network likes it.
    """
    mosaic = (counts.to(torch.int32) & 0xFFFF).float()
    (top, bottom), (left, right) = border(layout.phase, layout.shape)
    if top or bottom or left or right:
        mosaic = F.pad(mosaic[None], (left, right, top, bottom), mode="reflect")[0]
    cells = torch.stack([mosaic[row::2, column::2] for row, column in CELL], -1)
    cells = (cells - numbers[BLACK]) / numbers[SPAN]
    return (cells.clamp(0, 1) if layout.clips else cells).permute(2, 0, 1)


def rendered(linear: Tensor, numbers: Tensor, tone: Tensor) -> Tensor:
    """Turn camera RGB (3, H, W) into levels, as `picture.render.render` does.

    The matrix is written out: as a product of matrices it might be computed in TF32.
    """
    red, green, blue = clip_highlights(linear, numbers[CLIP])
    of_red, of_green, of_blue = numbers[MATRIX].view(3, 3).T[..., None, None]
    light = (of_red * red).addcmul_(of_green, green).addcmul_(of_blue, blue)
    roots = light.relu_().sqrt_()
    roots = torch.minimum(roots, roots * numbers[SLOPE] + numbers[OFFSET])
    keys = roots.nan_to_num_(0, LAST_KEY, 0).clamp_(max=LAST_KEY).to(torch.int32)
    return tone.index_select(0, keys.flatten()).view(keys.shape)


def clip_highlights(linear: Tensor, clip: Tensor) -> Tensor:
    """Clip camera RGB (3, ...), as `picture.highlights.clip_highlights` does.

    Args:
        linear: the light.
        clip: () where highlights end.
    """
    clipped = torch.minimum(linear.clamp(min=-float(LARGEST)), clip)
    brightest = linear.amax(0)
    near = (linear.amin(0) / clip - float(NEARLY_FULL)) / float(FULL - NEARLY_FULL)
    near = near.clamp_(0, 1)
    kept = clip / torch.maximum(brightest, clip) * (1 - near * near * (3 - 2 * near))
    return clipped + (1 - kept) * (torch.minimum(brightest, clip) - clipped)


def quantised(srgb: Tensor) -> Tensor:
    """Round finished sRGB (3, H, W) to levels, as `picture.render.quantise` does."""
    levels = (srgb.nan_to_num(0).clamp_(0, 1) * 65535).round_()
    return levels.to(torch.int32).to(torch.int16)


def upright(levels: Tensor, orientation: int) -> Tensor:
    """Return levels (3, H, W) as an upright picture, a new tensor (H, W, 3) or (W, H, 3)."""
    swap, rows_back, columns_back = TURNS[orientation]
    turned = levels.permute(2, 1, 0) if swap else levels.permute(1, 2, 0)
    back = [axis for axis, is_back in enumerate((rows_back, columns_back)) if is_back]
    return (
        turned.flip(back).contiguous()
        if back
        else turned.clone(memory_format=torch.contiguous_format)
    )


def checked(picture: Tensor, levels: Tensor) -> Tensor:
    """Return what there is to worry about in a picture and its levels: (4,) bool.

    Whether the picture is finite and all of one value; whether the levels are of one colour, and
    whether that is black.
    """
    first = levels[:, :1, :1]
    return torch.stack(
        [
            picture.isfinite().all(),
            (picture == picture[0, 0, 0]).all(),
            (levels == first).all(),
            (first == 0).all(),
        ]
    )
