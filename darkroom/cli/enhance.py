"""The command `darkroom enhance`."""

import functools
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.follow import follow, verbosity_of
from darkroom.cli.options import Device, Json, OutDir, Overwrite, Quiet, Verbose
from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.inputs import Input
    from darkroom.batch.plan import Job
    from darkroom.batch.run import Outcome
    from darkroom.enhance import GuidedFilter, Report, Settings
    from darkroom.report.console import Verbosity


class Format(StrEnum):
    """What kind of file is written."""

    TIFF = "tiff"
    PNG = "png"


class Tone(StrEnum):
    """The names in picture.tone.TONES, which must not be imported for --help."""

    SRGB = "srgb"
    STANDARD = "standard"
    LINEAR = "linear"
    LIBRAW = "libraw"


SUFFIXES = {Format.TIFF: ".tif", Format.PNG: ".png"}
MEMORY_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}  # powers of two
RADIUS, EPS = 5, 1e-5

EPILOG = """Examples:

\b
  darkroom enhance night/ -o clean/ --ratio 100
  darkroom enhance 'card/**/*.ARW' --format png
  find . -name '*.NEF' -print0 | darkroom enhance --files-from - -0 --json
"""

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="RAW files, folders (searched for RAW files) or quoted patterns like '**/*.ARW'.",
    ),
]
OutFormat = Annotated[Format, typer.Option("--format", help="16-bit TIFF or PNG.")]
Ratio = Annotated[
    str,
    typer.Option(
        metavar="RATIO",
        help="How much brighter: a number, auto, ev:+3 (stops), or match:REF.ARW (as bright as"
        " that file was exposed).",
    ),
]
Model = Annotated[
    str, typer.Option(metavar="NAME|PATH", help="A name of `darkroom models list`, or a file.")
]
On = Annotated[Device, typer.Option("--device", help="Where the network runs.")]
Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|full|N", help="Edge of the tiles in packed pixels (two of the sensor each)."
    ),
]
MaxMemory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Memory for --tile auto to stay under: 2G, 800M.")
]
Strength = Annotated[
    float, typer.Option(min=0, max=2, help="Denoising: 0 none, 1 as measured, 2 twice that.")
]
ToneCurve = Annotated[Tone, typer.Option("--tone", help="Tone curve of the picture.")]
Guided = Annotated[
    bool, typer.Option("--guided-filter", help="Smooth the result along its own edges.")
]
Radius = Annotated[
    int | None, typer.Option(min=1, help=f"Of the guided filter, in pixels.  [default: {RADIUS}]")
]
Eps = Annotated[
    float | None, typer.Option(min=0, help=f"Of the guided filter, a variance.  [default: {EPS:g}]")
]
StripGps = Annotated[bool, typer.Option("--strip-gps", help="Leave the place out of the output.")]
DryRun = Annotated[
    bool, typer.Option("-n", "--dry-run", help="Print what would be done, and do nothing.")
]
FilesFrom = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Read file names from LIST, one a line; - is stdin."),
]
Null = Annotated[
    bool, typer.Option("-0", "--null", help="Names in LIST end with NUL, as from find -print0.")
]


def command(
    files: Files = None,
    *,
    out: OutDir = None,
    format_: OutFormat = Format.TIFF,
    ratio: Ratio = "auto",
    model: Model = "fast-unet",
    device: On = Device.AUTO,
    tile: Tile = "auto",
    max_memory: MaxMemory = None,
    strength: Strength = 1.0,
    tone: ToneCurve = Tone.STANDARD,
    guided_filter: Guided = False,
    radius: Radius = None,
    eps: Eps = None,
    strip_gps: StripGps = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    files_from: FilesFrom = None,
    null: Null = False,
) -> None:
    """Turn dark RAW files into clean pictures.

    Each FILE becomes FILE.tif (or .png). Files that fail are named at the end and never stop
    the others; files whose output exists are skipped, so the same command goes on where it ended.
    """
    from darkroom.camera.exposure import parse_ratio
    from darkroom.enhance import Settings

    verbosity = verbosity_of(quiet, verbose)
    settings = Settings(
        ratio=parse_ratio(ratio),
        model=model,
        device=device.value,
        tile=parse_tile(tile),
        max_memory=parse_memory(max_memory),
        strength=strength,
        tone=tone.value,
        guided_filter=_guided_filter(guided_filter, radius, eps),
        format=format_.value,
        strip_gps=strip_gps,
        overwrite=overwrite,
    )
    jobs = _jobs(_found(files, files_from, null, verbosity), out, format_)
    outcomes = _preview(jobs, settings) if dry_run else _run(jobs, settings)
    raise typer.Exit(follow(jobs, outcomes, verbosity=verbosity, json=json))


def parse_tile(text: str) -> int | None:
    """Read --tile: None is automatic, 0 the whole picture at once, else packed pixels.

    >>> parse_tile("auto"), parse_tile("full"), parse_tile("512")
    (None, 0, 512)

    Raises:
        UsageProblem: it is none of these.
    """
    if text in {"auto", "full"}:
        return None if text == "auto" else 0
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) < 1:
        raise UsageProblem(f"--tile takes auto, full or a number of pixels, not '{text}'")
    return int(text)


def parse_memory(text: str | None) -> int | None:
    """Read --max-memory in bytes; a unit is a power of 1024.

    >>> parse_memory("2G"), parse_memory("1.5m")
    (2147483648, 1572864)

    Raises:
        UsageProblem: it is no size, or it is zero.
    """
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([kmgt]?)(?:i?b)?", text.strip().lower())
    size = int(float(match[1]) * 2 ** MEMORY_UNITS[match[2]]) if match else 0
    if size < 1:
        raise UsageProblem(f"--max-memory takes a size such as 2G or 800M, not '{text}'")
    return size


def _guided_filter(wanted: bool, radius: int | None, eps: float | None) -> "GuidedFilter | None":
    from darkroom.enhance import GuidedFilter

    if not wanted and (radius, eps) != (None, None):
        raise UsageProblem("--radius and --eps belong to the guided filter; add --guided-filter")
    if eps == 0:
        raise UsageProblem("--eps of the guided filter must be above 0")
    if not wanted:
        return None
    return GuidedFilter(RADIUS if radius is None else radius, EPS if eps is None else eps)


def _found(
    files: list[str] | None, files_from: str | None, null: bool, verbosity: "Verbosity"
) -> "tuple[Input, ...]":
    from darkroom.batch.inputs import expand_inputs
    from darkroom.camera.read import is_raw_name
    from darkroom.report.console import say

    if null and files_from is None:
        raise UsageProblem("-0 says how the names in a list end; add --files-from")
    found = expand_inputs(
        files or [], files_from=files_from, null_separated=null, is_input=is_raw_name
    )
    if verbosity > verbosity.QUIET:
        for name in found.unmatched:
            say(f"darkroom: '{name}' matched no RAW file")
    return found.inputs


def _jobs(inputs: "Sequence[Input]", out: Path | None, format_: Format) -> "list[Job]":
    from darkroom.batch.plan import plan_jobs

    return plan_jobs(inputs, out_dir=out, suffix=SUFFIXES[format_])


def _preview(jobs: "list[Job]", settings: "Settings") -> "Iterator[Outcome[Report | None]]":
    from darkroom.batch.run import preview_jobs
    from darkroom.zoo.find import locate

    locate(settings.model)  # what the real run would stumble over at once
    return preview_jobs(jobs, overwrite=settings.overwrite)


def _run(jobs: "list[Job]", settings: "Settings") -> "Iterator[Outcome[Report | None]]":
    from darkroom.batch.run import run_jobs
    from darkroom.enhance import enhance_file, load_enhancer
    from darkroom.publish import is_present

    enhancer = functools.cache(lambda: load_enhancer(settings))
    if settings.overwrite or not all(is_present(job.target) for job in jobs):
        enhancer()  # a missing model is told at once, not as the failure of a file
    return run_jobs(jobs, lambda job: enhance_file(job, enhancer()), overwrite=settings.overwrite)
