"""Recipe: dark frames and evenly lit frames of a camera -> the file of its noise."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from darkroom import __version__
from darkroom.batch.decoder import Decoder
from darkroom.camera.calibration import Calibration, CalibrationRow, Matrix, to_json
from darkroom.camera.colour import gains
from darkroom.camera.dark_frames import (
    DarkNoise,
    Darks,
    dark_noise,
    look_at_dark,
    with_dark,
    without_hot,
)
from darkroom.camera.noise_fit import ROUNDING
from darkroom.camera.photon_transfer import Flats, gain_of, settled, with_flat
from darkroom.camera.raw import RawImage
from darkroom.errors import FailureCode, FileProblem, NothingMatched, UsageProblem
from darkroom.publish import check_free, publish

Frame = tuple[Path, float, RawImage]  # a file, its ISO, what it holds

DAYLIGHT = (0.95682, 1.0, 0.92149)  # CIE XYZ of D55, the daylight of photographers
LIT = 0.02  # of white above black, which is no dark frame
COARSE = 0.5  # counts of deviation below which rounding hides the noise
NO_MATRIX = "colour matrix"  # in the reader's warning


@dataclass(frozen=True)
class CalibrateSettings:
    """What the files do not say.

    Attributes:
        iso: of files that do not state theirs; None skips them.
        gain_per_iso: counts per electron at ISO 1, for each ISO without usable flats.
        name: of the camera; "" takes its model.
        overwrite: replace a file that exists.
    """

    iso: float | None = None
    gain_per_iso: float | None = None
    name: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class Watcher:
    """Who is told of the progress.

    Attributes:
        on_frame: called with each file once it is measured.
        on_skipped: called with a sentence for what cannot be used.
    """

    on_frame: Callable[[Path], None]
    on_skipped: Callable[[str], None]


def calibrate(
    darks: Sequence[Path],
    flats: Sequence[Path],
    target: Path,
    settings: CalibrateSettings,
    watcher: Watcher,
) -> Calibration:
    """Measure the noise of a camera, write it to `target` and return it.

    Args:
        darks: RAW files taken with the lens cap on.
        flats: RAW files of an evenly lit surface; equal exposures one after the other.
        target: the JSON file.
        settings: what the files do not say.
        watcher: is told of the progress.

    Raises:
        UsageProblem: the settings are impossible, `target` exists, or no ISO gets a gain.
        NothingMatched: no dark frame can be used.
        FileProblem: `target` cannot be written.
    """
    check(flats, target, settings)
    with Decoder() as decoder:
        dark_frames = usable_frames(darks, decoder, settings, watcher)
        camera, by_iso = measure_darks(dark_frames, watcher)
        noise = {iso: dark_noise(seen, camera.mosaic.size) for iso, seen in sorted(by_iso.items())}
        flat_frames = usable_frames(flats, decoder, settings, watcher)
        lit = measure_flats(flat_frames, camera, noise, watcher)
    calibration = put_together(camera, by_iso, noise, lit, settings)
    content = to_json(calibration)
    publish(target, lambda file: file.write(content), overwrite=settings.overwrite)
    return calibration


def check(flats: Sequence[Path], target: Path, settings: CalibrateSettings) -> None:
    """Refuse before the long work what would fail after it."""
    if settings.iso is not None and not 1 <= settings.iso <= 10_000_000:
        raise UsageProblem(f"--iso {settings.iso:g} is out of range; use 1 to 10000000")
    stated = settings.gain_per_iso
    if stated is not None and not 1e-6 <= stated <= 10:
        raise UsageProblem(f"--gain-per-iso {stated:g} is out of range; use 0.000001 to 10")
    if not flats and stated is None:
        raise UsageProblem(
            "the gain of a camera cannot be measured without flats; name their folder,"
            " or give --gain-per-iso if you know it"
        )
    check_free(target, overwrite=settings.overwrite)


def measure_darks(read: Iterable[Frame], watcher: Watcher) -> tuple[RawImage, dict[float, Darks]]:
    """Measure the darks one by one; return the first frame and what was seen at each ISO."""
    camera: RawImage | None = None
    by_iso: dict[float, Darks] = {}
    for path, iso, raw in read:
        try:
            refuse_other_camera(raw, camera)
            frame = look_at_dark(raw.mosaic)
            refuse_light(raw, float(frame.black.mean()))
        except FileProblem as problem:
            watcher.on_skipped(f"{path}: {problem.what}")
            continue
        camera = camera or raw
        by_iso[iso] = with_dark(by_iso.get(iso), frame)
        watcher.on_frame(path)
    if camera is None:
        raise NothingMatched("no dark frame can be used; name RAW files taken with the lens cap on")
    return camera, by_iso


def usable_frames(
    paths: Sequence[Path], decoder: Decoder, settings: CalibrateSettings, watcher: Watcher
) -> Iterator[Frame]:
    """Yield each file that can be read with its ISO; say what is wrong with the others."""
    for path in paths:
        try:
            raw = read_frame(path, decoder)
        except FileProblem as problem:
            watcher.on_skipped(f"{path}: {problem.what}")
            continue
        iso = raw.exposure.iso or settings.iso
        if iso is None:
            watcher.on_skipped(f"{path}: it does not state its ISO; give it with --iso")
            continue
        yield path, float(round(iso)), raw


def read_frame(path: Path, decoder: Decoder) -> RawImage:
    """Read a frame; one in which nothing is above black is what a dark may look like."""
    try:
        return decoder.read(path).raw
    except FileProblem as problem:
        if problem.code is not FailureCode.BLACK:
            raise
        return decoder.read(path, allow_suspect=True).raw


def refuse_other_camera(raw: RawImage, camera: RawImage | None) -> None:
    """Refuse a frame that is not like the first one."""
    if camera is None:
        return
    same = (raw.make, raw.model, raw.phase) == (camera.make, camera.model, camera.phase)
    if not same or raw.mosaic.shape != camera.mosaic.shape:
        size = "{1} x {0}".format(*raw.mosaic.shape)
        what = f"it is of another camera or mode ({raw.camera}, {size}) than the first dark"
        raise FileProblem(FailureCode.UNSUPPORTED, what)


def refuse_light(raw: RawImage, level: float) -> None:
    """Refuse a dark whose mean lies far above the black level that its file states."""
    black = float(np.mean(raw.black))
    if level - black > LIT * (raw.white - black):
        what = f"it is not dark: {level:.0f} counts, black is {black:.0f}; are the folders swapped?"
        raise FileProblem(FailureCode.UNSUPPORTED, what)


def measure_flats(
    read: Iterable[Frame],
    camera: RawImage,
    noise: Mapping[float, DarkNoise],
    watcher: Watcher,
) -> dict[float, Flats]:
    """Measure the flats one by one and return what was seen at each ISO that has darks."""
    by_iso: dict[float, Flats] = {}
    for path, iso, raw in read:
        if iso not in noise:
            watcher.on_skipped(f"{path}: there is no dark of its ISO ({iso:g})")
            continue
        try:
            refuse_other_camera(raw, camera)
        except FileProblem as problem:
            watcher.on_skipped(f"{path}: {problem.what}")
            continue
        dark = noise[iso]
        mosaic = without_hot(raw.mosaic, dark.hot)
        seen = by_iso.get(iso, Flats(dark.black))
        by_iso[iso] = with_flat(seen, mosaic, raw.white)
        watcher.on_frame(path)
    return {iso: settled(flats) for iso, flats in by_iso.items()}


def put_together(
    camera: RawImage,
    by_iso: Mapping[float, Darks],
    noise: Mapping[float, DarkNoise],
    lit: Mapping[float, Flats],
    settings: CalibrateSettings,
) -> Calibration:
    """Return the calibration of what was measured."""
    rows, notes = [], [warning for warning in camera.warnings if NO_MATRIX in warning]
    for iso, dark in noise.items():
        flats = lit.get(iso, Flats(dark.black))
        gain = measured_gain(flats, dark)
        notes += [f"ISO {iso:g}: {note}" for note in row_notes(by_iso[iso], dark, flats, gain)]
        if gain is None and settings.gain_per_iso is not None:
            gain = settings.gain_per_iso * iso
            notes.append(f"ISO {iso:g}: the gain is the one that was given")
        rows.append(row_of(iso, gain, dark, flats))
    if all(row.gain is None for row in rows):
        raise UsageProblem(
            "no ISO has flats that tell its gain; take them brighter but not saturated,"
            " in pairs at the ISOs of the darks, or give --gain-per-iso"
        )
    red, blue = daylight(camera)
    return Calibration(
        name=settings.name or camera.model or "camera",
        make=camera.make,
        model=camera.model,
        black=float(np.mean([row.black for row in rows])),
        white=camera.white,
        xyz_to_camera=matrix_of(camera),
        daylight=(red, blue),
        rows=tuple(rows),
        hot_pixels=max(row.hot_share for row in rows),
        notes=tuple(notes),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        program=f"darkroom {__version__}",
    )


def measured_gain(flats: Flats, dark: DarkNoise) -> float | None:
    """Return counts per electron; None if the flats do not tell."""
    read = dark.sigma**2 + ROUNDING
    return gain_of(flats.pairs or flats.singles, read=read, row=dark.row_sigma**2)


def row_of(iso: float, gain: float | None, dark: DarkNoise, flats: Flats) -> CalibrationRow:
    """Return one row of the table."""
    return CalibrationRow(
        iso=iso,
        gain=gain,
        sigma=dark.sigma,
        tukey_scale=dark.tukey_scale,
        tukey_lambda=dark.tukey_lambda,
        row_sigma=dark.row_sigma,
        black=float(dark.black.mean()),
        dark_shading=dark.dark_shading,
        hot_share=dark.hot_share,
        darks=dark.frames,
        flats=flats.frames,
    )


def row_notes(seen: Darks, dark: DarkNoise, flats: Flats, gain: float | None) -> Iterator[str]:
    """Yield what a user of the row should know."""
    if any(frame.is_clipped for frame in seen.frames):
        yield "the camera cuts the noise off at black: the read noise is larger than measured"
    if dark.frames == 1:
        yield "one dark only: fixed pattern and hot pixels count as noise"
    if dark.sigma < COARSE:
        yield "the read noise is below half a count: its shape is a guess"
    if not flats.frames:
        yield "no flats: its gain is not measured"
    elif gain is None:
        yield "the flats are too dark, too bright or too small to tell the gain"
    elif not flats.pairs:
        yield "no two flats are equally bright: texture may raise the gain"


def matrix_of(camera: RawImage) -> Matrix:
    """Return the colour matrix as plain numbers."""
    lines = [(float(x), float(y), float(z)) for x, y, z in camera.xyz_to_camera]
    return lines[0], lines[1], lines[2]


def daylight(camera: RawImage) -> tuple[float, float]:
    """Return the gains of red and blue in daylight, through the colour matrix."""
    neutral = camera.xyz_to_camera @ np.array(DAYLIGHT)
    found = gains(1 / neutral) if (neutral > 0).all() else None
    red, _, blue = found or camera.white_balance
    return red, blue
