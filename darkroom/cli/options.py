"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


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
