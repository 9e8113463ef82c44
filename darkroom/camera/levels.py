"""Black and white level: the counts of a frame that mean no light, and as much as it can hold."""

import rawpy

from darkroom.camera import directories as tags
from darkroom.camera.directories import Tiff
from darkroom.camera.layout import cell_indices
from darkroom.camera.raw import MONO
from darkroom.camera.rowcheck import Counts, Levels
from darkroom.errors import FailureCode, FileProblem

HIGHEST_COUNT = 65535
HIGH_BLACK = 0.02  # darkest pixel of a frame that claims black 0


def levels(
    raw: rawpy.RawPy, tiff: Tiff | None, mosaic: Counts, phase: str
) -> tuple[Levels, float, tuple[str, ...]]:
    """Return black of the four positions of the first cell, white, and warnings.

    Raises:
        FileProblem: E_METADATA, black is not below white.
    """
    black = mono_black(raw, tiff) if phase == MONO else bayer_black(raw)
    warnings: tuple[str, ...] = ()
    if not any(black):
        black, warnings = unread_black(tiff, mosaic, float(raw.white_level))
    white = stated_white(tiff) or decoder_white(raw)
    if max(black) >= white:
        raise FileProblem(
            FailureCode.METADATA,
            f"its black level {max(black):g} is not below its white level {white:g}",
        )
    return black, white, warnings


def bayer_black(raw: rawpy.RawPy) -> Levels:
    """Return LibRaw's black, which it indexes by colour (R, G, B, second G), by position."""
    by_colour = [float(level) for level in raw.black_level_per_channel]
    first, second, third, fourth = (by_colour[index] for index in cell_indices(raw))
    return first, second, third, fourth


def mono_black(raw: rawpy.RawPy, tiff: Tiff | None) -> Levels:
    """Return black of a monochrome sensor; LibRaw tells only the lowest of four positions."""
    stated = stated_counts(tiff, tags.BLACK_LEVEL)
    if len(stated) == 4 and stated_counts(tiff, tags.BLACK_REPEAT_DIM) == (2, 2):
        first, second, third, fourth = stated
        return first, second, third, fourth
    return (float(raw.black_level_per_channel[0]),) * 4


def stated_counts(tiff: Tiff | None, tag: int) -> tuple[float, ...]:
    """Return the values of `tag` that a DNG states, without those that no count can have.

    Float DNGs are left to LibRaw, which rescales their values.
    """
    if tiff is None or not tiff.is_dng or tags.FLOATS in tiff.numbers(tags.SAMPLE_FORMAT):
        return ()
    return tuple(float(value) for value in tiff.numbers(tag) if 0 <= value <= HIGHEST_COUNT)


def stated_white(tiff: Tiff | None) -> float | None:
    """Return the white level a DNG states: LibRaw would rather believe its table of cameras."""
    return min(filter(None, stated_counts(tiff, tags.WHITE_LEVEL)), default=None)


def decoder_white(raw: rawpy.RawPy) -> float:
    """Return LibRaw's white level, the camera's own where that is lower."""
    per_channel = [level for level in raw.camera_white_level_per_channel or () if level > 0]
    return float(min([raw.white_level, *per_channel]))


def unread_black(tiff: Tiff | None, mosaic: Counts, white: float) -> tuple[Levels, tuple[str, ...]]:
    """Return the black level of files for which LibRaw answers 0, and warnings."""
    stated = tiff.numbers(tags.BLACK_LEVEL) if tiff else ()
    if len(stated) == 4 and max(stated) > 0 and not (tiff and tiff.numbers(tags.BLACK_REPEAT_DIM)):
        # LibRaw ignores four levels without BlackLevelRepeatDim.
        first, second, third, fourth = (float(level) for level in stated)
        return (first, second, third, fourth), (
            "the black levels lack BlackLevelRepeatDim: they are taken as 2 x 2",
        )
    darkest = int(mosaic.min())
    if not stated and darkest > HIGH_BLACK * white:
        return (0.0, 0.0, 0.0, 0.0), (
            f"the file has no black level: 0 is assumed, although no pixel is below {darkest}",
        )
    return (0.0, 0.0, 0.0, 0.0), ()
