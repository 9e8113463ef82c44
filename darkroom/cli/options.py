"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.inference.engine import EngineChoice


class Device(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class EngineName(StrEnum):
    """What computes: the names in inference.engine.ENGINES, which --help does not import."""

    AUTO = "auto"
    OPENVINO = "openvino"
    TORCH = "torch"


class PrecisionName(StrEnum):
    """In what numbers it computes; the names in inference.engine.PRECISIONS."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


On = Annotated[Device, typer.Option("--device", help="Where the network runs.")]
By = Annotated[
    EngineName,
    typer.Option("--engine", help="What computes; auto: OpenVINO on a CPU, torch on a GPU."),
]
In = Annotated[
    PrecisionName,
    typer.Option(
        "--precision",
        help="Numbers of the network; auto: bf16 where the processor has it, else fp32.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Do everything, and replace outputs that exist.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Write one JSON object per line to the standard output.")
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors only.")]
Verbose = Annotated[
    bool, typer.Option("-v", "--verbose", help="Print details of each file, and tracebacks.")
]


def folder(text: str) -> Path:
    """Read a folder; an empty name, as an unset variable gives, is none."""
    if not text:
        raise typer.BadParameter("the name of the folder is empty")
    return Path(text)


OutDir = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        parser=folder,
        help="Folder for the outputs.  [default: beside the input]",
    ),
]


def parse_choice(device: str, engine: str, precision: str) -> "EngineChoice":
    """Read --device, --engine and --precision.

    Raises:
        UsageProblem: a manifest holds names that are none.
    """
    from darkroom.inference.engine import EngineChoice

    for option, value, names in (
        ("engine", engine, EngineName),
        ("precision", precision, PrecisionName),
    ):
        if value not in set(names):
            raise UsageProblem(f"--{option} takes {', '.join(names)}, not '{value}'")
    return EngineChoice(device, engine, precision)  # type: ignore[arg-type]
