"""The options of `darkroom enhance`: how they are written, and what they mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.batch_options import (
    BatchOptions,
    parse_compression,
    parse_filter,
    parse_limits,
    parse_memory,
    parse_tile,
    picked,
    restored,
)
from darkroom.cli.options import parse_choice
from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.enhance_settings import Settings


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


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="RAW files, folders (searched for RAW files) or quoted patterns like '**/*.ARW'.",
    ),
]
Ratio = Annotated[
    str,
    typer.Option(
        metavar="RATIO",
        help="How much brighter: a number, auto, ev:+3 (stops), or match:REF.ARW (as bright as"
        " that file was exposed).",
    ),
]
Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|full|N", help="Edge of the tiles in packed pixels (two of the sensor each)."
    ),
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
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="WHERE", help="Spread the work: local:N processes, or tcp://HOST:8786 (dask)."
    ),
]


@dataclass(frozen=True)
class EnhanceOptions(BatchOptions):
    """The options of `darkroom enhance`, as they were written."""

    model: str = "fast-unet"
    ratio: str = "auto"
    strength: float = 1.0
    views: str = "1"
    tone: str = "standard"
    scheduler: str | None = None


def chosen(arguments: Mapping[str, object]) -> EnhanceOptions:
    """Pick the options out of the arguments of the command."""
    return picked(EnhanceOptions, arguments)


def read_options(stored: object) -> EnhanceOptions:
    """Take back options that were stored as JSON; raise UsageProblem if they are not ours."""
    return restored(EnhanceOptions, stored)


def settings_of(options: EnhanceOptions) -> "Settings":
    """Turn options into settings.

    Raises:
        UsageProblem: they are impossible, or contradict each other.
    """
    from darkroom.batch.enhance_settings import Settings
    from darkroom.camera.exposure import parse_ratio

    return Settings(
        ratio=parse_ratio(options.ratio),
        model=options.model,
        choice=parse_choice(options.device, options.engine, options.precision),
        tile=parse_tile(options.tile),
        max_memory=parse_memory(options.max_memory),
        strength=options.strength,
        views=parse_views(options.views),
        tone=options.tone,
        guided_filter=parse_filter(
            options.guided_filter, options.radius, options.eps, remedy="add --guided-filter"
        ),
        format=options.format,
        compression=parse_compression(options.compression, format=options.format),
        strip_gps=options.strip_gps,
        overwrite=options.overwrite,
        allow_suspect=options.allow_suspect,
        limits=parse_limits(options.max_pixels, options.decode_timeout),
    )


def parse_views(text: str) -> int:
    """Read --views; raise UsageProblem if a manifest holds another number."""
    if text in set(ViewCount):
        return int(text)
    raise UsageProblem(f"--views takes 1, 2, 4 or 8, not '{text}'")
