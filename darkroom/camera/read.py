"""RAW files in: every Bayer format LibRaw decodes becomes one `RawImage`, oddities resolved."""

import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import rawpy

from darkroom.camera import directories as tags
from darkroom.camera import exif
from darkroom.camera.colour import white_balance, xyz_to_camera
from darkroom.camera.directories import Tiff
from darkroom.camera.layout import bayer_phase, cell_indices, check_declared_pattern
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.noise import profile_from_tag
from darkroom.camera.preflight import preflight, too_big, truncated
from darkroom.camera.quiet import quiet_decoder
from darkroom.camera.raw import ExifEntry, Exposure, NoiseLevel, RawImage
from darkroom.camera.refusals import decoder_errors
from darkroom.camera.rowcheck import check_rows, check_signal
from darkroom.camera.source import open_regular, read_whole, unchanged
from darkroom.errors import FailureCode, FileProblem

RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"}
    | {".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf"}
    | {".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)

# LibRaw's flip -> TIFF orientation, measured with DNGs of all eight.
ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}

HIGHEST_COUNT = 65535
HIGH_BLACK = 0.02  # darkest pixel of a frame that claims black 0

Levels = tuple[float, float, float, float]
Counts = npt.NDArray[np.uint16]


def is_raw_name(path: str | Path) -> bool:
    """Whether a file name ends like a RAW file's, upper or lower case.

    >>> is_raw_name("DSC01.ARW"), is_raw_name("DSC01.jpg")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in RAW_SUFFIXES  # noqa: PTH122 - Paths are slow


def read_raw(
    path: str | Path, *, allow_suspect: bool = False, limits: Limits = DEFAULT_LIMITS
) -> RawImage:
    """Read a RAW file with a Bayer sensor, in this process; its content decides, not its name.

    `darkroom.batch.decoder` reads the same in a process of its own, for files of unknown origin.

    Args:
        path: the file.
        allow_suspect: warn of black frames and repeating rows instead of refusing them.
        limits: bounds on the file.

    Raises:
        FileProblem: the file is missing, damaged, unsupported, no RAW file or has no Bayer mosaic.
    """
    with open_regular(Path(path), limits) as file, unchanged(file), quiet_decoder():
        return decode(file, limits, allow_suspect=allow_suspect)


def decode(
    file: BinaryIO,
    limits: Limits = DEFAULT_LIMITS,
    *,
    allow_suspect: bool = False,
    announce: Callable[[int], None] = lambda _: None,
    allocate: Callable[[tuple[int, int]], Counts] = lambda shape: np.empty(shape, np.uint16),
) -> RawImage:
    """Decode an open RAW file.

    Args:
        file: a regular file.
        limits: bounds on the file.
        allow_suspect: warn of black frames and repeating rows instead of refusing them.
        announce: told the number of pixels once it is known, before any is decoded.
        allocate: makes the (H, W) uint16 array for the visible counts.

    Raises:
        FileProblem: the file is damaged, unsupported, no RAW file or has no Bayer mosaic.
    """
    tiff = preflight(file, limits)
    check_declared_pattern(tiff)
    content = read_whole(file)  # what is checked is what is decoded
    entries = exif.read_exif(io.BytesIO(content))
    with decoder_errors(tiff), rawpy.imread(io.BytesIO(content)) as raw:
        announce(checked_pixels(raw, len(content), limits))
        phase = bayer_phase(raw)
        visible = raw.raw_image_visible
        mosaic = allocate((visible.shape[0], visible.shape[1]))
        np.copyto(mosaic, visible)  # LibRaw frees its buffer
        return raw_image(raw, tiff, entries, mosaic, phase, allow_suspect=allow_suspect)


def checked_pixels(raw: rawpy.RawPy, size: int, limits: Limits) -> int:
    """Return the pixels of the whole sensor, the hidden ones too, if the file can hold them."""
    rows, columns = raw.sizes.raw_height, raw.sizes.raw_width
    pixels = int(rows) * int(columns)
    if pixels > limits.max_pixels:
        raise too_big(f"{columns} x {rows}", limits)
    if pixels > size * limits.pixels_per_byte:
        raise truncated(f"{size} bytes cannot hold {columns} x {rows} pixels")
    return pixels


def raw_image(
    raw: rawpy.RawPy,
    tiff: Tiff | None,
    entries: tuple[ExifEntry, ...],
    mosaic: Counts,
    phase: str,
    *,
    allow_suspect: bool,
) -> RawImage:
    """Gather everything a decoded file says; LibRaw's numbers are final only after unpacking."""
    black, white, level_warnings = levels(raw, tiff, mosaic)
    row_warnings, doubts = suspicions(mosaic, black, white, allow_suspect=allow_suspect)
    matrix, matrix_warnings = xyz_to_camera(raw, tiff)
    balance, balance_warnings = white_balance(raw, tiff, matrix, means(mosaic, phase, black))
    exposure, exposure_warnings = exposed(raw, entries)
    profile, profile_warnings = noise_profile(tiff)
    entries = entries or decoder_entries(raw, exposure)
    return RawImage(
        mosaic,
        phase,
        black,
        white,
        balance,
        matrix,
        orientation=ORIENTATIONS.get(raw.sizes.flip, 1),
        exposure=exposure,
        noise_profile=profile,
        make=camera_text(tiff, entries, exif.MAKE),
        model=camera_text(tiff, entries, exif.MODEL),
        lens=exif.text_of(entries, exif.LENS_MODEL) or exif.clean_text(raw.lens.model),
        exif=entries,
        warnings=level_warnings
        + row_warnings
        + matrix_warnings
        + balance_warnings
        + exposure_warnings
        + profile_warnings,
        doubts=doubts,
    )


def suspicions(
    mosaic: Counts, black: Levels, white: float, *, allow_suspect: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return warnings about the counts of a frame, and reasons why it would be refused.

    Raises:
        FileProblem: it is wrong enough to refuse the frame, unless `allow_suspect`.
    """
    try:
        check_signal(mosaic, black)
        return check_rows(mosaic, white), ()
    except FileProblem as problem:
        if not allow_suspect:
            raise
        return (), (problem.what,)


def levels(
    raw: rawpy.RawPy, tiff: Tiff | None, mosaic: Counts
) -> tuple[Levels, float, tuple[str, ...]]:
    """Return black of the four positions of the first cell, white, and warnings.

    LibRaw indexes black by colour (R, G, B, second G), not by position.
    """
    by_colour = [float(level) for level in raw.black_level_per_channel]
    first, second, third, fourth = (by_colour[index] for index in cell_indices(raw))
    black: Levels = (first, second, third, fourth)
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


def stated_white(tiff: Tiff | None) -> float | None:
    """Return the white level a DNG states: LibRaw would rather believe its table of cameras.

    Float DNGs are left to LibRaw, which rescales their values.
    """
    if tiff is None or not tiff.is_dng or tags.FLOATS in tiff.numbers(tags.SAMPLE_FORMAT):
        return None
    levels = [level for level in tiff.numbers(tags.WHITE_LEVEL) if 0 < level <= HIGHEST_COUNT]
    return float(min(levels)) if levels else None


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


def means(mosaic: Counts, phase: str, black: Levels) -> tuple[float, float, float]:
    """Return the mean signal of R, G, B above black, from every eighth cell."""
    signal = {"R": 0.0, "G": 0.0, "B": 0.0}
    for position, colour in enumerate(phase):
        row, column = divmod(position, 2)
        mean = float(mosaic[row::16, column::16].mean()) - black[position]
        signal[colour] += mean / phase.count(colour)
    return signal["R"], signal["G"], signal["B"]


def exposed(raw: rawpy.RawPy, entries: tuple[ExifEntry, ...]) -> tuple[Exposure, tuple[str, ...]]:
    """Return shutter, ISO and aperture, and what is missing; zeros count as missing.

    The EXIF entries come first: LibRaw answers 1 s and f/1 for the APEX zeros of a manual lens.
    """
    stated, other = exif.exposure_of(entries), raw.other
    if entries and exif.text_of(entries, exif.MAKE) and stated == Exposure():
        exposure = stated
    else:
        exposure = Exposure(
            stated.seconds or positive(other.shutter_speed),
            positive(other.iso_speed) or stated.iso,
            stated.aperture or positive(other.aperture),
        )
    missing = [
        name
        for name, value in (
            ("shutter", exposure.seconds),
            ("ISO", exposure.iso),
            ("aperture", exposure.aperture),
        )
        if value is None
    ]
    return exposure, (f"the file does not state its {', '.join(missing)}",) if missing else ()


def positive(value: float) -> float | None:
    """Return a finite positive number, None otherwise."""
    return float(value) if math.isfinite(value) and value > 0 else None


def decoder_entries(raw: rawpy.RawPy, exposure: Exposure) -> tuple[ExifEntry, ...]:
    """Return what LibRaw knows as entries, for formats whose EXIF cannot be read."""
    return exif.exposure_entries(
        exposure,
        focal_length=positive(raw.other.focal_length) or 0.0,
        artist=exif.clean_text(raw.other.artist),
        lens=exif.clean_text(raw.lens.model),
    )


def camera_text(tiff: Tiff | None, entries: tuple[ExifEntry, ...], tag: int) -> str:
    """Return maker or model, "" if no part of the file says it."""
    return exif.text_of(entries, tag) or (exif.clean_text(tiff.text(tag)) if tiff else "")


def noise_profile(tiff: Tiff | None) -> tuple[NoiseLevel | None, tuple[str, ...]]:
    """Return the DNG NoiseProfile, and a warning if it cannot be used."""
    values = tiff.numbers(tags.NOISE_PROFILE) if tiff else ()
    profile = profile_from_tag(values)
    if values and profile is None:
        return None, ("the noise profile in the file is not usable: noise will be estimated",)
    return profile, ()
