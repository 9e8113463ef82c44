"""The command line: every command is a thin file here, and `main` is where it all starts."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from darkroom.cli.commands import app
from darkroom.cli.interrupts import EXIT_BASE, interruptible
from darkroom.errors import DarkroomError

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h


def program() -> None:
    """Be the installed command: `main`, and then an end that Ctrl-C does not disturb."""
    try:
        main()
    except SystemExit as end:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        leave(end)


def leave(end: SystemExit) -> NoReturn:
    """End the process without taking it apart first: the system does that sooner.

    What was written is passed on and exit functions are called; where one cannot, or threads are
    still at work, Python ends as usual.
    """
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if all(thread.daemon for thread in others) and isinstance(end.code, int):
        with suppress(OSError, AttributeError):  # there is no output, or nobody takes it
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
    raise end


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
        return EXIT_BASE + signal.SIGINT
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
