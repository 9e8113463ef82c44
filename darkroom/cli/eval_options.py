"""The options of `darkroom eval`: how they are written, and which go together."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.options import folder
from darkroom.errors import UsageProblem


class Noise(StrEnum):
    """What the models are told about the noise."""

    TOLD = "told"
    ESTIMATED = "estimated"


class ProtocolName(StrEnum):
    """The protocols of `darkroom.measure.protocols`."""

    PLAIN = "plain"
    SID_598 = "sid-598"
    SID_00_93 = "sid-00-93"
    SID_562 = "sid-562"
    ELD_ILLUM = "eld-illum"
    RAW_FULL = "raw-full"


def existing_path(text: str) -> Path:
    """Read a file or folder that is there."""
    path = folder(text)
    if not path.exists():
        raise typer.BadParameter(f"{text!r} is neither a file nor a folder")
    return path


def existing_folder(text: str) -> Path:
    """Read a folder that is there."""
    path = folder(text)
    if not path.is_dir():
        raise typer.BadParameter(f"{text!r} is no folder")
    return path


Results = Annotated[
    Path | None,
    typer.Argument(
        metavar="RESULTS",
        help="Folder with the pictures to score.",
        parser=existing_folder,
        show_default=False,
    ),
]
Truths = Annotated[
    Path | None,
    typer.Argument(
        metavar="TRUTHS",
        help="Folder with the pictures as they should be.",
        parser=existing_folder,
        show_default=False,
    ),
]
Simulate = Annotated[
    Path | None,
    typer.Option(
        metavar="TRUTHS",
        help="Darken the pictures of this folder and score what models make of them.",
        parser=existing_folder,
    ),
]
NirPairs = Annotated[
    Path | None,
    typer.Option(
        "--nir",
        metavar="PAIRS",
        help="Colour the near-infrared pictures of this folder, x_nir.png beside x_rgb.png, and"
        " score what models make of them.",
        parser=existing_folder,
    ),
]
Pairs = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="LIST|DIR",
        help="Real pairs: a list of short and long exposures, or a folder that holds short and"
        " long. Enhance the short ones, score against the long ones. May be repeated.",
        parser=existing_path,
    ),
]
ProtocolChoice = Annotated[
    ProtocolName | None,
    typer.Option(
        "--protocol",
        help="With --pairs or two folders: which pictures count, and how.  [default: plain]",
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="With --simulate, --pairs or --nir: a model; name several to compare them. With"
        " --nir, grey is the near-infrared picture itself.  [default: fast-unet, nir-lite]",
    ),
]
NoiseKind = Annotated[
    Noise, typer.Option(help="What models are told: the true noise, or what `enhance` estimates.")
]
FirstSeed = Annotated[int, typer.Option(min=0, help="Of the first picture's noise.")]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write the scores of each picture.")
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything, and how it was measured."),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Write one HTML page: scores, pictures to compare, maps of differences, plots.",
    ),
]
ReportWorst = Annotated[
    int,
    typer.Option(
        "--report-pictures", min=0, max=100, help="The worst pictures of each row on that page."
    ),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")]
ByCategory = Annotated[
    bool, typer.Option("--by-category", help="Print a line for each folder of pictures, too.")
]
Plots = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        parser=folder,
        help="Draw predicted against true values, and each picture beside its truth.",
    ),
]

GOES_WITH = {
    **dict.fromkeys(("model", "device", "engine", "precision"), ("simulate", "pairs", "nir")),
    "views": ("simulate", "pairs"),
    **dict.fromkeys(("camera", "iso", "ratio", "noise", "seed"), ("simulate",)),
    **dict.fromkeys(("guided_filter", "radius", "eps", "keep_nir_luminance"), ("nir",)),
}


WAYS = ("simulate", "nir", "pairs")


def check_use(context: typer.Context) -> None:
    """Refuse two ways to score at once, none, and options of another way.

    Raises:
        UsageProblem: the command line asks for that.
    """
    given = context.params
    ways = [name for name in WAYS if given[name]]
    folders = [name for name in ("results", "truths") if given[name] is not None]
    if len(ways) > 1 or (ways and folders):
        raise UsageProblem("name two folders, or one after --simulate, --nir or --pairs")
    if not ways and len(folders) < 2:
        raise UsageProblem(
            "name two folders, RESULTS and TRUTHS, or use --simulate TRUTHS, --nir PAIRS or"
            " --pairs LIST"
        )
    for name, its_ways in GOES_WITH.items():
        source = context.get_parameter_source(name)
        is_given = source is not None and source.name == "COMMANDLINE"
        if is_given and not {*ways} & {*its_ways}:
            needed = " or ".join(f"--{way}" for way in its_ways)
            raise UsageProblem(f"--{name.replace('_', '-')} goes with {needed}")
    _check_protocol(given["protocol"], ways, has_plots=given["plots"] is not None)


def _check_protocol(name: ProtocolName | None, ways: list[str], *, has_plots: bool) -> None:
    """Refuse a protocol where nothing is chosen by it, and plots of what is no picture."""
    if name is None:
        return
    if {"simulate", "nir"} & {*ways}:
        raise UsageProblem("--protocol goes with --pairs or two folders")
    if has_plots and ways and name in (ProtocolName.ELD_ILLUM, ProtocolName.RAW_FULL):
        raise UsageProblem(f"--plots: {name.value} compares RAW planes, which are no pictures")
