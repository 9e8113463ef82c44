"""Which colour sits where on the sensor: the Bayer phase, none at all, or why it is unknown."""

import rawpy

from darkroom.camera import directories as tags
from darkroom.camera.bayer import PHASES
from darkroom.camera.directories import Tiff
from darkroom.camera.raw import MONO
from darkroom.errors import FailureCode, FileProblem

BAYER_COLOURS = ["B", "G", "G", "R"]


def check_declared_pattern(tiff: Tiff | None) -> None:
    """Refuse colour patterns that LibRaw would read as Bayer although they are not."""
    dim = tiff.numbers(tags.CFA_DIM) if tiff else ()
    if dim == (4, 4):
        raise not_bayer("has a Quad-Bayer sensor (4 x 4 colour pattern)")
    if dim == (6, 6):
        raise not_bayer("has an X-Trans sensor (6 x 6 colour pattern)")
    if dim and dim != (2, 2):
        raise not_bayer(f"has a {' x '.join(f'{side:g}' for side in dim)} colour pattern")
    colours = tiff.numbers(tags.CFA_PATTERN) if tiff else ()
    if colours and sorted(colours) != [0, 1, 1, 2]:
        found = ", ".join(f"{colour:g}" for colour in colours[:36])
        raise not_bayer(f"does not have one red, two green and one blue filter (codes {found})")


def phase_of(raw: rawpy.RawPy, *, monochrome: bool) -> str:
    """Return the Bayer phase, or `MONO` for a monochrome sensor where those are wanted too.

    Raises:
        FileProblem: E_NOT_BAYER, naming what the sensor is instead.
    """
    is_mono = raw.num_colors == 1 and raw.raw_type == rawpy.RawType.Flat
    return MONO if monochrome and is_mono else bayer_phase(raw)


def bayer_phase(raw: rawpy.RawPy) -> str:
    """Return the colours of the visible area's first 2x2 cell, row by row.

    LibRaw moves an odd ActiveArea to even margins, so the phase is asked for at the visible
    origin instead of being taken from the file.

    Raises:
        FileProblem: E_NOT_BAYER, naming what the sensor is instead.
    """
    check_mosaic(raw)
    colours = raw.color_desc.decode("ascii", "replace")
    phase = "".join(colours[index] if index < len(colours) else "?" for index in cell_indices(raw))
    if phase not in PHASES:
        what = f"has the colour pattern {phase}"
        if sorted(phase) == BAYER_COLOURS:
            what += ", whose greens are not diagonal"
        raise not_bayer(what)
    return phase


def cell_indices(raw: rawpy.RawPy) -> tuple[int, int, int, int]:
    """Return LibRaw's colour indices (second green is 3) of the first visible cell, row by row."""
    top, left = raw.sizes.top_margin, raw.sizes.left_margin
    first, second, third, fourth = (
        int(raw.raw_color(top + row, left + column)) for row in (0, 1) for column in (0, 1)
    )
    return first, second, third, fourth


def check_mosaic(raw: rawpy.RawPy) -> None:
    """Refuse frames that hold no 2x2 mosaic."""
    if raw.num_colors == 1:
        raise not_bayer("comes from a monochrome sensor")
    pattern = None if raw.raw_type == rawpy.RawType.Stack else raw.raw_pattern
    if pattern is None:
        raise FileProblem(
            FailureCode.NOT_BAYER,
            "is already demosaiced (a linear DNG, sRAW or Foveon file)",
            "use the original RAW file",
        )
    if pattern.shape == (6, 6):
        raise not_bayer("has an X-Trans sensor (6 x 6 colour pattern)")
    if pattern.shape != (2, 2):
        rows, columns = pattern.shape
        raise not_bayer(f"has a {rows} x {columns} colour pattern")


def not_bayer(what: str) -> FileProblem:
    """Return the error for a sensor without a Bayer mosaic."""
    return FileProblem(FailureCode.NOT_BAYER, f"{what}; darkroom needs a Bayer sensor")
