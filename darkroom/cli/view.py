"""The command `darkroom view`."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.options import folder
from darkroom.errors import NothingMatched, UsageProblem

EPILOG = """Examples:

\b
  darkroom view clean/
  darkroom view clean/ --port 8080
"""

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder with finished pictures.", parser=folder)
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes any that is free.")
]


def command(pictures: Folder, *, port: Port = 0) -> None:
    """Look at the pictures of a folder in a browser, each beside the file it was made of.

    Prints the address of a page that only this machine can open, and serves it until Ctrl-C,
    which ends with 130. Nothing in DIR is changed, and nothing outside of it is shown.
    """
    from darkroom.report.folder import shots_in
    from darkroom.report.server import serve

    if not pictures.is_dir():
        raise UsageProblem(f"{pictures} is no folder")
    if not shots_in(pictures):
        raise NothingMatched(f"no finished picture in {pictures}; darkroom enhance makes them")
    serve(pictures, port, typer.echo)
