"""The options of `darkroom enhance`: how they are written, and what they mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.camera.limits import Limits
    from darkroom.enhance import Settings
    from darkroom.picture.guided_filter import GuidedFilter


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


class ViewCount(StrEnum):
    """From how many sides a frame is looked at."""

    ONE = "1"
    TWO = "2"
    FOUR = "4"
    EIGHT = "8"


SUFFIXES = {Format.TIFF: ".tif", Format.PNG: ".png"}
MEMORY_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}  # powers of two
RADIUS, EPS = 5, 1e-5

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
Views = Annotated[
    ViewCount, typer.Option(help="Look from so many sides and average: cleaner, as much slower.")
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
Shards = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Only the I-th of N equal parts: the same files on every machine."
    ),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Compare finished outputs with their records, byte by byte."),
]
Checksum = Annotated[
    bool,
    typer.Option("--checksum", help="Know inputs by their bytes, not by size and time."),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="N",
        help="Stop at the N-th failure; 0 never stops.  [default: at 21 alike in a row]",
    ),
]
FailFast = Annotated[bool, typer.Option("--fail-fast", help="Stop at the first failure.")]
AllowSuspect = Annotated[
    bool,
    typer.Option("--allow-suspect", help="Write pictures that look damaged, too, marked as such."),
]
AllowEmpty = Annotated[
    bool, typer.Option("--allow-empty", help="End with 0 if no file matches, instead of 3.")
]
MaxPixels = Annotated[
    float | None,
    typer.Option(min=0.001, metavar="MEGAPIXELS", help="Refuse larger frames.  [default: 256]"),
]
DecodeTimeout = Annotated[
    float | None,
    typer.Option(
        min=0.1, metavar="SECONDS", help="For reading one file.  [default: 20, more if large]"
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE", help="Spread the work: local:N processes, or tcp://HOST:8786 (dask)."
    ),
]


@dataclass(frozen=True)
class EnhanceOptions:
    """The options that `darkroom retry` repeats, as they were written.

    Their meanings are those of the command line.
    """

    format: str = "tiff"
    ratio: str = "auto"
    model: str = "fast-unet"
    device: str = "auto"
    tile: str = "auto"
    max_memory: str | None = None
    strength: float = 1.0
    views: str = "1"
    tone: str = "standard"
    guided_filter: bool = False
    radius: int | None = None
    eps: float | None = None
    strip_gps: bool = False
    overwrite: bool = False
    verify: bool = False
    checksum: bool = False
    max_failures: int | None = None
    fail_fast: bool = False
    allow_suspect: bool = False
    max_pixels: float | None = None
    decode_timeout: float | None = None
    scheduler: str | None = None


def chosen(arguments: Mapping[str, object]) -> EnhanceOptions:
    """Pick the options out of the arguments of the command, choices as they were written."""
    values = {field.name: arguments.get(field.name) for field in fields(EnhanceOptions)}
    values["format"] = arguments["format_"]
    plain = {k: v.value if isinstance(v, StrEnum) else v for k, v in values.items()}
    return EnhanceOptions(**plain)  # type: ignore[arg-type]


def read_options(stored: object) -> EnhanceOptions:
    """Take back options that were stored as JSON.

    Raises:
        UsageProblem: they are not ours, or another version's.
    """
    known = {field.name: field.type for field in fields(EnhanceOptions)}
    try:
        assert isinstance(stored, dict)
        options = EnhanceOptions(**stored)
    except (AssertionError, TypeError):
        raise UsageProblem("the options in the manifest are those of another version") from None
    for name, kind in known.items():
        if not isinstance(getattr(options, name), kind):  # type: ignore[arg-type]
            raise UsageProblem(f"the manifest holds no usable value for --{name}")
    return options


def settings_of(options: EnhanceOptions) -> "Settings":
    """Turn options into settings.

    Raises:
        UsageProblem: they are impossible, or contradict each other.
    """
    from darkroom.camera.exposure import parse_ratio
    from darkroom.enhance import Settings

    return Settings(
        ratio=parse_ratio(options.ratio),
        model=options.model,
        device=options.device,
        tile=parse_tile(options.tile),
        max_memory=parse_memory(options.max_memory),
        strength=options.strength,
        views=parse_views(options.views),
        tone=options.tone,
        guided_filter=_guided_filter(options),
        format=options.format,
        strip_gps=options.strip_gps,
        overwrite=options.overwrite,
        allow_suspect=options.allow_suspect,
        limits=_limits(options),
    )


def parse_views(text: str) -> int:
    """Read --views; raise UsageProblem if a manifest holds another number."""
    if text in set(ViewCount):
        return int(text)
    raise UsageProblem(f"--views takes 1, 2, 4 or 8, not '{text}'")


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


def _guided_filter(options: EnhanceOptions) -> "GuidedFilter | None":
    from darkroom.picture.guided_filter import GuidedFilter

    radius, eps = options.radius, options.eps
    if not options.guided_filter and (radius, eps) != (None, None):
        raise UsageProblem("--radius and --eps belong to the guided filter; add --guided-filter")
    if eps == 0:
        raise UsageProblem("--eps of the guided filter must be above 0")
    if not options.guided_filter:
        return None
    return GuidedFilter(RADIUS if radius is None else radius, EPS if eps is None else eps)


def _limits(options: EnhanceOptions) -> "Limits":
    from darkroom.camera.limits import Limits

    limits = Limits()
    if options.max_pixels is not None:
        limits = replace(limits, max_pixels=round(options.max_pixels * 1e6))
    if options.decode_timeout is not None:
        limits = replace(limits, seconds=options.decode_timeout, seconds_per_megapixel=0.0)
    return limits
