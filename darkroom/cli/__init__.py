"""The command line: every command is a thin file here, and `main` is where it all starts."""

import os
import signal
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from darkroom import __version__
from darkroom.batch.outcome import INTERRUPTED
from darkroom.cli import calibrate, colorize, doctor, enhance, models, retry, simulate, train, view
from darkroom.cli import eval as evaluation
from darkroom.cli.interrupts import EXIT_BASE, interruptible
from darkroom.errors import DarkroomError

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: darkroom enhance *.ARW --ratio 100",
)
app.command("enhance", epilog=enhance.EPILOG, no_args_is_help=True)(enhance.command)
app.command("colorize", epilog=colorize.EPILOG, no_args_is_help=True)(colorize.command)
app.command("retry", epilog=retry.EPILOG, no_args_is_help=True)(retry.command)
app.command("simulate", epilog=simulate.EPILOG, no_args_is_help=True)(simulate.command)
app.command("calibrate", epilog=calibrate.EPILOG, no_args_is_help=True)(calibrate.command)
app.command("eval", epilog=evaluation.EPILOG, no_args_is_help=True)(evaluation.command)
app.command("view", epilog=view.EPILOG, no_args_is_help=True)(view.command)
app.command("train", epilog=train.EPILOG, no_args_is_help=True)(train.command)
app.command("doctor", epilog=doctor.EPILOG)(doctor.command)
app.add_typer(
    models.app,
    name="models",
    help="List, describe, check and import the models.",
    epilog="Example: darkroom models list",
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


def program() -> None:
    """Be the installed command: `main`, and then an end that Ctrl-C does not disturb."""
    try:
        main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and end it with its exit code; the one place that catches errors.

    Ctrl-C, SIGTERM and SIGHUP end a batch in good order: no half-written file stays and the
    summary is printed. A second one ends it at once.

    Args:
        args: the command line without the program's name; None takes the real one.
    """
    with interruptible() as received:
        code = run(sys.argv[1:] if args is None else list(args))
    raise SystemExit(EXIT_BASE + received[0] if received else code)


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code."""
    try:
        app(arguments, prog_name="darkroom")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except DarkroomError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        _report_bug(error, arguments)
        return INTERNAL_ERROR
    return 0


def _complain(message: str) -> None:
    from darkroom.report.console import complain

    complain(message)


def _report_bug(error: Exception, arguments: list[str]) -> None:
    wants_trace = os.environ.get("DARKROOM_DEBUG") == "1" or {"-v", "--verbose"} & {*arguments}
    if wants_trace:
        import traceback

        from darkroom.report.console import say

        for line in traceback.format_exc().splitlines():
            say(line)
    hint = "" if wants_trace else "; DARKROOM_DEBUG=1 shows where"
    _complain(f"internal error, please report: {type(error).__name__}: {error}{hint}")
