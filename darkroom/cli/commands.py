"""The commands by name, each with the line that the program's help has for it.

Nothing of a command is imported before it is asked for, so that help is there at once. The line is
the first one of the command's own help; a test compares them.
"""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from darkroom import __version__
from darkroom.cli.plain_values import NO_HELP, PlainCommand

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], **NO_HELP},
    epilog="Example: darkroom enhance *.ARW --ratio 100",
)


def print_version(wanted: bool) -> None:
    """Answer --version."""
    if wanted:
        typer.echo(f"darkroom {__version__}")
        raise typer.Exit


@app.callback()
def darkroom(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=print_version, is_eager=True),
    ] = False,
) -> None:
    """Turn dark RAW files into clean pictures, and near-infrared ones into colour, in batches.

    Exit codes: 0 all files are done, 1 some failed, 2 wrong use, 3 nothing matched, 4 model or
    device unusable, 5 stopped early, 70 a bug, 130 interrupted, 143 terminated.
    """


class Announced(TyperCommand):
    """Name and line of a command; its callback imports and returns the command itself."""

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Hand over to the command itself."""
        assert self.callback
        return typer.main.get_command(self.callback()).make_context(*args, **settings)


def alone(
    command: Callable[..., None], epilog: str, *, no_args_is_help: bool = True
) -> typer.Typer:
    """Return a command as a program of its own."""
    program = typer.Typer(rich_markup_mode=None, add_completion=False)
    program.command(cls=PlainCommand, epilog=epilog, no_args_is_help=no_args_is_help)(command)
    return program


@app.command("enhance", cls=Announced)
def _enhance() -> typer.Typer:
    """Turn dark RAW files into clean pictures."""
    from darkroom.cli.enhance import EPILOG, command

    return alone(command, EPILOG)


@app.command("colorize", cls=Announced)
def _colorize() -> typer.Typer:
    """Turn near-infrared pictures into colour."""
    from darkroom.cli.colorize import EPILOG, command

    return alone(command, EPILOG)


@app.command("retry", cls=Announced)
def _retry() -> typer.Typer:
    """Do the failed files of a run again, and only those."""
    from darkroom.cli.retry import EPILOG, command

    return alone(command, EPILOG)


@app.command("simulate", cls=Announced)
def _simulate() -> typer.Typer:
    """Turn a clean picture into a dark RAW file."""
    from darkroom.cli.simulate import EPILOG, command

    return alone(command, EPILOG)


@app.command("calibrate", cls=Announced)
def _calibrate() -> typer.Typer:
    """Measure the noise of a camera, to simulate it and to train for it."""
    from darkroom.cli.calibrate import EPILOG, command

    return alone(command, EPILOG)


@app.command("eval", cls=Announced)
def _eval() -> typer.Typer:
    """Score pictures against the truth: PSNR, SSIM, MS-SSIM, MSE, CIE76, CIEDE2000, angle."""
    from darkroom.cli.eval import EPILOG, command

    return alone(command, EPILOG)


@app.command("view", cls=Announced)
def _view() -> typer.Typer:
    """Look at the pictures of a folder in a browser, each beside the file it was made of."""
    from darkroom.cli.view import EPILOG, command

    return alone(command, EPILOG)


@app.command("train", cls=Announced)
def _train() -> typer.Typer:
    """Train a network on pictures that are darkened on the way, or on real pairs of exposures."""
    from darkroom.cli.train import EPILOG, command

    return alone(command, EPILOG)


@app.command("doctor", cls=Announced)
def _doctor() -> typer.Typer:
    """Look whether darkroom can work here: libraries, decoder, devices, memory, models, disk."""
    from darkroom.cli.doctor import EPILOG, command

    return alone(command, EPILOG, no_args_is_help=False)


@app.command("models", cls=Announced)
def _models() -> typer.Typer:
    """List, describe, check, import and export the models."""
    from darkroom.cli.models import app as models

    return models
