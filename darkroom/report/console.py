"""What people read while darkroom works: everything here goes to the standard error.

On a terminal a bar shows the progress and only what needs attention is printed; elsewhere every
file gets its line. The console is built when it is used, so that it sees the terminal of that
moment; rich honours NO_COLOR by itself, and is loaded only where it has something to colour.
"""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.batch.outcome import DONE_BEFORE, Outcome, Status

if TYPE_CHECKING:
    from rich.console import Console

    from darkroom.batch.outcome import Result

    AnyOutcome = Outcome[Result | None]

LISTED_FAILURES = 20
FORCING = {"FORCE_COLOR", "TTY_COMPATIBLE"}  # by these rich colours what goes elsewhere, too
WORDS: dict[Status, str] = {
    "ok": "done",
    "planned": "planned",
    "skipped": "skipped",
    "suspect": "suspect",
    "failed": "failed",
    "cancelled": "cancelled",
}
STYLES = {
    "failed": "red",
    "suspect": "yellow",
    "skipped": "yellow",
    "warning": "yellow",
    "detail": "dim",
}


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


def complain(message: str) -> None:
    """Print an error as `darkroom: message`."""
    _print(_console(), f"darkroom: {message}", "failed")


def say(message: str) -> None:
    """Print a sentence."""
    _print(_console(), message)


def printable(text: str) -> str:
    r"""Return the text with everything that could fool a terminal escaped.

    >>> printable("a\x1b[2Jb\n\udcff.ARW")
    'a\\x1b[2Jb\\n\\xff.ARW'
    """
    return "".join(
        character if character.isprintable() else _escape(character) for character in text
    )


@contextmanager
def showing(total: int, verbosity: Verbosity) -> Iterator[Callable[["AnyOutcome"], None]]:
    """Yield a function that shows an outcome; meanwhile a bar counts to `total` on a terminal."""
    console = _console()
    if console is None or verbosity is Verbosity.QUIET or not _can_move(console):
        yield lambda outcome: _show(console, outcome_lines(outcome, verbosity))
        return
    from darkroom.report.terminal import counting  # noqa: PLC0415

    with counting(console, total) as advance:

        def show(outcome: "AnyOutcome") -> None:
            is_routine = outcome.status == "ok" or outcome.message == DONE_BEFORE
            needs_attention = not is_routine or verbosity is Verbosity.VERBOSE
            lines = outcome_lines(outcome, verbosity)
            _show(console, lines if needs_attention else lines[1:])
            advance()

        yield show


def outcome_lines(outcome: "AnyOutcome", verbosity: Verbosity) -> list[tuple[str, str]]:
    """Return the (kind, text) lines that tell of one outcome.

    The first line is the outcome itself, warnings and details follow.
    """
    if verbosity is Verbosity.QUIET and outcome.status != "failed":
        return []
    if outcome.status == "failed":
        lines = [("failed", _failure(outcome))]
    elif outcome.status == "skipped":
        is_routine = outcome.message == DONE_BEFORE and verbosity is not Verbosity.VERBOSE
        text = f"{outcome.source}: skipped: {outcome.message}"
        lines = [] if is_routine else [("skipped", text)]
    elif outcome.status == "cancelled":
        return []
    else:
        kind = "suspect" if outcome.status == "suspect" else "result"
        mark = "suspect: " if outcome.status == "suspect" else ""
        text = f"{mark}{outcome.source} -> {outcome.target}{_in_short(outcome)}"
        lines = [(kind, text)]
    lines += [("warning", f"{outcome.source}: warning: {text}") for text in outcome.warnings]
    if verbosity is Verbosity.QUIET:
        return [line for line in lines if line[0] == "failed"]
    if verbosity is Verbosity.VERBOSE:
        lines += [("detail", f"  {text}") for text in _details(outcome)]
    return lines


def summarise(
    outcomes: Sequence["AnyOutcome"],
    seconds: float,
    verbosity: Verbosity,
    manifests: Sequence[Path] = (),
) -> None:
    """Print the counts, the times, the files that failed and how to do them again.

    Args:
        outcomes: all of the batch.
        seconds: how long it took.
        verbosity: QUIET prints nothing.
        manifests: files that remember the outcomes.
    """
    if verbosity is Verbosity.QUIET or not outcomes:
        return
    console = _console()
    _print(console, summary_line(outcomes, seconds))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed and len(outcomes) > 1:
        _print(console, "failed:", "failed")
        _list_failures(failed[:LISTED_FAILURES])
    if len(failed) > LISTED_FAILURES:
        _print(console, f"and {len(failed) - LISTED_FAILURES} more; --json tells of every file")
    is_whole = not any(outcome.status == "cancelled" for outcome in outcomes)
    for manifest in manifests if failed and is_whole else ():
        _print(console, f"once their cause is gone: darkroom retry {shlex.quote(str(manifest))}")


def summary_line(outcomes: Sequence["AnyOutcome"], seconds: float) -> str:
    """Return the counts by status and the times in one line.

    The time for each file is on the clock: files are in work at once.

    >>> from darkroom.batch.plan import Job
    >>> job = Job(Path("a"), Path("b"), Path(), Path("a"))
    >>> summary_line([Outcome(job, "ok", seconds=1.5)] * 4, 2.0)
    '4 done in 2.0 s, 0.5 s per file'
    """
    counts = Counter(outcome.status for outcome in outcomes)
    routine = sum(outcome.message == DONE_BEFORE for outcome in outcomes)
    counts["skipped"] -= routine
    parts = [f"{routine} {DONE_BEFORE}"] if routine else []
    parts += [f"{counts[status]} {WORDS[status]}" for status in WORDS if counts[status]]
    text = ", ".join(parts)
    if counts["planned"]:
        return text
    text += f" in {seconds:.1f} s"
    worked = counts["ok"] + counts["suspect"] + counts["failed"]
    return f"{text}, {seconds / worked:.1f} s per file" if worked > 1 else text


def _list_failures(failed: Sequence["AnyOutcome"]) -> None:
    from darkroom.report.terminal import print_table, stderr_console  # noqa: PLC0415

    cells = ((str(outcome.source), outcome.code or "", outcome.message) for outcome in failed)
    rows = [map(printable, row) for row in cells]
    with suppress(OSError):
        print_table(stderr_console(), ("file", "code", "reason"), rows)


def _in_short(outcome: "AnyOutcome") -> str:
    """Say how long it took, and which ratio was chosen why."""
    if outcome.status not in {"ok", "suspect"}:
        return ""
    facts, time = _facts(outcome), f"{outcome.seconds:.1f} s"
    ratio = f"ratio {facts['ratio']:g}, {facts['ratio_reason']}; " if "ratio" in facts else ""
    return f" ({ratio}{time})"


def _facts(outcome: "AnyOutcome") -> dict[str, Any]:
    """Return what the recipe's record says of the file."""
    return {} if outcome.report is None else outcome.report.record()


def _failure(outcome: "AnyOutcome") -> str:
    parts = ("darkroom", str(outcome.source), outcome.code, outcome.message)
    return ": ".join(part for part in parts if part)


def _details(outcome: "AnyOutcome") -> list[str]:
    if outcome.trace:
        return outcome.trace.splitlines()
    facts = _facts(outcome)
    if not facts:
        return []
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in facts["seconds"].items())
    noise = f"; noise: {facts['noise']}" if "noise" in facts else ""
    camera = [f"{facts['camera']}{noise}"] if facts["camera"] else []
    return [*camera, f"{facts['model']} on {facts['device']}, {facts['tile']}; {times}"]


def _console() -> "Console | None":
    """Return what colours the lines; None where they stay plain."""
    if not _is_terminal() and not FORCING & os.environ.keys():
        return None
    from darkroom.report.terminal import stderr_console  # noqa: PLC0415

    return stderr_console()


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it was closed
        return False


def _can_move(console: "Console") -> bool:
    """Whether a bar can be drawn over itself."""
    return console.file.isatty() and not console.is_dumb_terminal


def _show(console: "Console | None", lines: Sequence[tuple[str, str]]) -> None:
    for kind, text in lines:
        _print(console, text, kind)


def _print(console: "Console | None", text: str, kind: str = "result") -> None:
    with suppress(OSError):  # a terminal that was closed must not stop the work
        if console is None:
            _write(printable(text))
            return
        from darkroom.report.terminal import print_line  # noqa: PLC0415

        print_line(console, printable(text), STYLES.get(kind, ""))


def _write(line: str) -> None:
    with suppress(AttributeError):  # there is no standard error, as behind pythonw
        sys.stderr.write(f"{line}\n")


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
