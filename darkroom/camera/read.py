"""RAW files in: every format LibRaw decodes becomes one `RawImage`, oddities resolved."""

import io
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import rawpy

from darkroom.camera import directories as tags
from darkroom.camera import exif
from darkroom.camera.colour import Gains, Matrix, white_balance, xyz_to_camera
from darkroom.camera.directories import Tiff
from darkroom.camera.layout import check_declared_pattern, phase_of
from darkroom.camera.levels import levels
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.noise import profile_from_tag
from darkroom.camera.preflight import preflight, too_big, truncated
from darkroom.camera.quiet import quiet_decoder
from darkroom.camera.raw import MONO, ExifEntry, Exposure, NoiseLevel, RawImage
from darkroom.camera.refusals import decoder_errors
from darkroom.camera.rowcheck import Counts, Levels, check_rows, check_signal
from darkroom.camera.source import open_regular, read_whole, unchanged
from darkroom.errors import FileProblem

RAW_SUFFIXES = frozenset(
    {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"}
    | {".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".ptx", ".raf"}
    | {".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)

# LibRaw's flip -> TIFF orientation, measured with DNGs of all eight.
ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}


def is_raw_name(path: str | Path) -> bool:
    """Whether a file name ends like a RAW file's, upper or lower case.

    >>> is_raw_name("DSC01.ARW"), is_raw_name("DSC01.jpg")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in RAW_SUFFIXES  # noqa: PTH122 - Paths are slow


def read_raw(
    path: str | Path,
    *,
    allow_suspect: bool = False,
    monochrome: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> RawImage:
    """Read a RAW file with a Bayer sensor, in this process; its content decides, not its name.

    `darkroom.batch.decoder` reads the same in a process of its own, for files of unknown origin.

    Args:
        path: the file.
        allow_suspect: warn of black frames and repeating rows instead of refusing them.
        monochrome: read frames of monochrome sensors, too.
        limits: bounds on the file.

    Raises:
        FileProblem: the file is missing, damaged, unsupported, no RAW file or of another sensor.
    """
    with open_regular(Path(path), limits) as file, unchanged(file), quiet_decoder():
        return decode(file, limits, allow_suspect=allow_suspect, monochrome=monochrome)


def decode(
    file: BinaryIO,
    limits: Limits = DEFAULT_LIMITS,
    *,
    allow_suspect: bool = False,
    monochrome: bool = False,
    announce: Callable[[int], None] = lambda _: None,
    allocate: Callable[[tuple[int, int]], Counts] = lambda shape: np.empty(shape, np.uint16),
) -> RawImage:
    """Decode an open RAW file.

    Args:
        file: a regular file.
        limits: bounds on the file.
        allow_suspect: warn of black frames and repeating rows instead of refusing them.
        monochrome: read frames of monochrome sensors, too.
        announce: told the number of pixels once it is known, before any is decoded.
        allocate: makes the (H, W) uint16 array for the visible counts.

    Raises:
        FileProblem: the file is damaged, unsupported, no RAW file or of another sensor.
    """
    tiff = preflight(file, limits, monochrome=monochrome)
    check_declared_pattern(tiff)
    content = read_whole(file)  # what is checked is what is decoded
    entries = exif.read_exif(io.BytesIO(content))
    with decoder_errors(tiff), rawpy.imread(io.BytesIO(content)) as raw:
        announce(checked_pixels(raw, len(content), limits))
        phase = phase_of(raw, monochrome=monochrome)
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
    black, white, level_warnings = levels(raw, tiff, mosaic, phase)
    row_warnings, doubts = suspicions(mosaic, black, white, allow_suspect=allow_suspect)
    matrix, balance, colour_warnings = colours(raw, tiff, mosaic, phase, black)
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
        + colour_warnings
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


def colours(
    raw: rawpy.RawPy, tiff: Tiff | None, mosaic: Counts, phase: str, black: Levels
) -> tuple[Matrix, Gains, tuple[str, ...]]:
    """Return the matrix from XYZ, the white balance, and warnings; none for a monochrome sensor."""
    if phase == MONO:
        return np.eye(3), (1.0, 1.0, 1.0), ()
    matrix, matrix_warnings = xyz_to_camera(raw, tiff)
    balance, warnings = white_balance(raw, tiff, matrix, means(mosaic, phase, black))
    return matrix, balance, matrix_warnings + warnings


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
