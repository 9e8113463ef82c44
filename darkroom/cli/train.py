"""The command `darkroom train`."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import Quiet, Verbose

EPILOG = """Examples:

\b
  darkroom train night.toml -o runs/night
  darkroom train night.toml -o runs/night --resume
"""

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="TOML file with the settings.", show_default=False)
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        help="Folder for checkpoints, log and weights.  [default: runs/ and the name of CONFIG]",
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in DIR.")]


def command(
    config: Config,
    out: RunDir = None,
    resume: Resume = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a network on pictures that are darkened on the way."""
    from darkroom.learning.config import load_config
    from darkroom.report.console import complain, say
    from darkroom.report.models import training_line
    from darkroom.train import train

    talks = verbosity_of(quiet, verbose) > 0
    settings = load_config(config)
    weights = train(
        settings,
        out or Path("runs") / config.stem,
        continue_run=resume,
        on_progress=lambda progress: say(training_line(progress)) if talks else None,
        on_skipped=complain,
    )
    if talks:
        say(f"weights: {weights}")
