"""The options of the commands that work through files: how they are written, what they mean."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.camera.limits import Limits
    from darkroom.picture.guided_filter import GuidedFilter


class Format(StrEnum):
    """What kind of file is written."""

    TIFF = "tiff"
    PNG = "png"


class Compression(StrEnum):
    """The names in picture.tiff.COMPRESSIONS, which must not be imported for --help."""

    NONE = "none"
    DEFLATE = "deflate"
    ZSTD = "zstd"


SUFFIXES = {Format.TIFF: ".tif", Format.PNG: ".png"}
MEMORY_UNITS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}  # powers of two
RADIUS, EPS = 5, 1e-5

Model = Annotated[
    str, typer.Option(metavar="NAME|PATH", help="A name of `darkroom models list`, or a file.")
]
OutFormat = Annotated[Format, typer.Option("--format", help="16-bit TIFF or PNG.")]
Packed = Annotated[
    Compression,
    typer.Option(
        "--compression",
        help="Of a TIFF: deflate opens everywhere; zstd is written faster, but not all programs"
        " read it; none is fastest and largest.",
    ),
]
MaxMemory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Memory for --tile auto to stay under: 2G, 800M.")
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


@dataclass(frozen=True)
class BatchOptions:
    """The options that such commands share and `darkroom retry` repeats, as they were written.

    Their meanings are those of the command line.
    """

    model: str
    format: str = "tiff"
    compression: str = "deflate"
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    tile: str = "auto"
    max_memory: str | None = None
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


Options = TypeVar("Options", bound=BatchOptions)


def picked(kind: type[Options], arguments: Mapping[str, object]) -> Options:
    """Pick the options of a kind out of the arguments of its command, choices as written."""
    values = {field.name: arguments.get(field.name) for field in fields(kind)}
    values["format"] = arguments["format_"]
    plain: dict[str, Any] = {
        name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()
    }
    return kind(**plain)


def restored(kind: type[Options], stored: object) -> Options:
    """Take back options of a kind that were stored as JSON.

    Raises:
        UsageProblem: they are not ours, or another version's.
    """
    known = {field.name: field.type for field in fields(kind)}
    try:
        assert isinstance(stored, dict)
        options = kind(**stored)
    except (AssertionError, TypeError):
        raise UsageProblem("the options in the manifest are those of another version") from None
    for name, type_ in known.items():
        if not isinstance(getattr(options, name), type_):  # type: ignore[arg-type]
            raise UsageProblem(f"the manifest holds no usable value for --{name}")
    return options


def parse_compression(text: str, *, format: str) -> str:
    """Read --compression for a format.

    Raises:
        UsageProblem: the format does not have it.
    """
    if text not in set(Compression):
        raise UsageProblem(f"--compression takes {', '.join(Compression)}, not '{text}'")
    if format == Format.PNG and text != Compression.DEFLATE:
        raise UsageProblem(
            f"PNG is always deflated: leave --compression {text} away, or choose --format tiff"
        )
    return text


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


def parse_filter(
    wanted: bool, radius: int | None, eps: float | None, *, remedy: str
) -> "GuidedFilter | None":
    """Read --radius and --eps of a guided filter that is wanted or not.

    Raises:
        UsageProblem: they are given although it is not wanted (`remedy` says how it would be), or
            eps is no number above 0.
    """
    from darkroom.picture.guided_filter import GuidedFilter

    if not wanted and (radius, eps) != (None, None):
        raise UsageProblem(f"--radius and --eps belong to the guided filter; {remedy}")
    if eps is not None and not 0 < eps < math.inf:
        raise UsageProblem("--eps of the guided filter must be a number above 0")
    if not wanted:
        return None
    return GuidedFilter(RADIUS if radius is None else radius, EPS if eps is None else eps)


def parse_limits(max_pixels: float | None, decode_timeout: float | None) -> "Limits":
    """Read --max-pixels, in megapixels, and --decode-timeout, in seconds."""
    from darkroom.camera.limits import Limits

    limits = Limits()
    if max_pixels is not None:
        limits = replace(limits, max_pixels=round(max_pixels * 1e6))
    if decode_timeout is not None:
        limits = replace(limits, seconds=decode_timeout, seconds_per_megapixel=0.0)
    return limits
