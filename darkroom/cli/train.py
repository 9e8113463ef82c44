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
  darkroom train mine.toml -o runs/mine --init fast-unet --freeze-encoder --steps 500
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
Init = Annotated[
    str | None,
    typer.Option("--init", metavar="NAME|PATH", help="Start from the weights of this model."),
]
FreezeEncoder = Annotated[
    bool,
    typer.Option("--freeze-encoder", help="Keep the network's way down as it is."),
]
Steps = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", min=1, help="Learn for N steps, whatever CONFIG says."),
]
Noise = Annotated[
    list[Path] | None,
    typer.Option(
        "--noise",
        metavar="FILE",
        help="Simulate the camera of this calibration instead of those of CONFIG; repeatable.",
    ),
]


def command(
    config: Config,
    *,
    out: RunDir = None,
    resume: Resume = False,
    init: Init = None,
    freeze_encoder: FreezeEncoder = False,
    steps: Steps = None,
    noise: Noise = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train a network on pictures that are darkened on the way, or on real pairs of exposures."""
    from darkroom.learning.config import load_config
    from darkroom.learning.distributed import speaks
    from darkroom.report.console import complain, say
    from darkroom.report.models import training_line
    from darkroom.train import changed, train

    talks = verbosity_of(quiet, verbose) > 0 and speaks()
    settings = changed(
        load_config(config),
        init=init,
        freeze_encoder=freeze_encoder,
        steps=steps,
        calibrations=tuple(noise or ()),
    )
    weights = train(
        settings,
        out or Path("runs") / config.stem,
        continue_run=resume,
        on_progress=lambda progress: say(training_line(progress)) if talks else None,
        on_skipped=complain,
    )
    if talks:
        say(f"weights: {weights}")
