"""The options of `darkroom colorize`: how they are written, and what they mean."""

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
    from darkroom.colorize import Settings


class Channel(StrEnum):
    """The names in picture.load.CHANNELS, which must not be imported for --help."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    MEAN = "mean"


Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="Near-infrared PNG, TIFF or JPEG pictures, folders or quoted patterns like"
        " '**/*_nir.png'.",
    ),
]
Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|full|N",
        help="Edge of the tiles in pixels, for models that see a picture at its full size.",
    ),
]
FromChannel = Annotated[
    Channel | None,
    typer.Option(help="Of colour files: which channel, or the mean of all, is near-infrared."),
]
FromRaw = Annotated[
    bool,
    typer.Option(
        "--from-raw",
        help="The files are RAW files of cameras converted to near-infrared light.",
    ),
]
Guided = Annotated[
    bool,
    typer.Option(
        "--guided-filter/--no-guided-filter",
        help="Take the fine detail from the near-infrared picture.",
    ),
]
KeepLuminance = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="Share of the near-infrared picture in the lightness; colour stays the model's.",
    ),
]


@dataclass(frozen=True)
class ColorizeOptions(BatchOptions):
    """The options of `darkroom colorize`, as they were written."""

    model: str = "nir-lite"
    guided_filter: bool = True
    channel: str | None = None
    from_raw: bool = False
    keep_nir_luminance: float = 0.0


def chosen(arguments: Mapping[str, object]) -> ColorizeOptions:
    """Pick the options out of the arguments of the command."""
    return picked(ColorizeOptions, arguments)


def read_options(stored: object) -> ColorizeOptions:
    """Take back options that were stored as JSON; raise UsageProblem if they are not ours."""
    return restored(ColorizeOptions, stored)


def settings_of(options: ColorizeOptions) -> "Settings":
    """Turn options into settings.

    Raises:
        UsageProblem: they are impossible, or contradict each other.
    """
    from darkroom.colorize import Settings

    _check_source(options)
    remedy = "leave --no-guided-filter away"
    return Settings(
        model=options.model,
        choice=parse_choice(options.device, options.engine, options.precision),
        tile=parse_tile(options.tile),
        max_memory=parse_memory(options.max_memory),
        channel=parse_channel(options.channel),
        from_raw=options.from_raw,
        guided_filter=parse_filter(
            options.guided_filter, options.radius, options.eps, remedy=remedy
        ),
        keep_nir_luminance=parse_share(options.keep_nir_luminance),
        format=options.format,
        compression=parse_compression(options.compression, format=options.format),
        strip_gps=options.strip_gps,
        overwrite=options.overwrite,
        allow_suspect=options.allow_suspect,
        limits=parse_limits(options.max_pixels, options.decode_timeout),
    )


def parse_channel(text: str | None) -> str | None:
    """Read --channel; raise UsageProblem if a manifest holds another word."""
    if text is None or text in set(Channel):
        return text
    raise UsageProblem(f"--channel takes {', '.join(Channel)}, not '{text}'")


def parse_share(share: float) -> float:
    """Read --keep-nir-luminance; raise UsageProblem if a manifest holds no share."""
    if 0 <= share <= 1:
        return share
    raise UsageProblem(f"--keep-nir-luminance takes 0 to 1, not {share:g}")


def _check_source(options: ColorizeOptions) -> None:
    """Refuse options of one kind of file where the other is read."""
    if options.from_raw and options.channel is not None:
        raise UsageProblem("--channel is for colour pictures; with --from-raw leave it away")
    if not options.from_raw and (options.max_pixels, options.decode_timeout) != (None, None):
        raise UsageProblem("--max-pixels and --decode-timeout belong to RAW files; add --from-raw")
