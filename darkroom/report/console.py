"""What people read while darkroom works: everything here goes to the standard error.

On a terminal a bar shows the progress and only what needs attention is printed; elsewhere every
file gets its line. The console is built when it is used, so that it sees the terminal of that
moment; rich honours NO_COLOR by itself.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from darkroom.batch.run import Outcome, Status

if TYPE_CHECKING:
    from darkroom.enhance import Report

    AnyOutcome = Outcome[Report | None]

LISTED_FAILURES = 20
WORDS: dict[Status, str] = {
    "ok": "done",
    "planned": "planned",
    "skipped": "skipped",
    "failed": "failed",
    "cancelled": "cancelled",
}
STYLES = {"failed": "red", "skipped": "yellow", "warning": "yellow", "detail": "dim"}


class Verbosity(IntEnum):
    """How much is said."""

    QUIET = 0
    NORMAL = 1
    VERBOSE = 2


def stderr_console() -> Console:
    """Return a console that prints texts as they are."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


def complain(message: str) -> None:
    """Print an error as `darkroom: message`."""
    _print(stderr_console(), f"darkroom: {message}", "failed")


def say(message: str) -> None:
    """Print a sentence."""
    _print(stderr_console(), message)


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
    console = stderr_console()
    has_bar = (
        console.file.isatty() and not console.is_dumb_terminal and verbosity is not Verbosity.QUIET
    )
    if not has_bar:
        yield lambda outcome: _show(console, outcome_lines(outcome, verbosity))
        return
    with _bar(console) as bar:
        task = bar.add_task("files", total=total)

        def show(outcome: "AnyOutcome") -> None:
            needs_attention = outcome.status != "ok" or verbosity is Verbosity.VERBOSE
            lines = outcome_lines(outcome, verbosity)
            _show(console, lines if needs_attention else lines[1:])
            bar.advance(task)

        yield show


def outcome_lines(outcome: "AnyOutcome", verbosity: Verbosity) -> list[tuple[str, str]]:
    """Return the (kind, text) lines that tell of one outcome.

    The first line is the outcome itself, warnings and details follow.
    """
    if outcome.status == "failed":
        lines = [("failed", _failure(outcome))]
    elif outcome.status == "skipped":
        lines = [("skipped", f"{outcome.source}: skipped: {outcome.message}")]
    elif outcome.status == "cancelled":
        return []
    else:
        lines = [("result", f"{outcome.source} -> {outcome.target}{_in_short(outcome)}")]
    lines += [("warning", f"{outcome.source}: warning: {text}") for text in outcome.warnings]
    if verbosity is Verbosity.QUIET:
        return [line for line in lines if line[0] == "failed"]
    if verbosity is Verbosity.VERBOSE:
        lines += [("detail", f"  {text}") for text in _details(outcome)]
    return lines


def summarise(outcomes: Sequence["AnyOutcome"], seconds: float, verbosity: Verbosity) -> None:
    """Print the counts, the times and the files that failed.

    Args:
        outcomes: all of the batch.
        seconds: how long it took.
        verbosity: QUIET prints nothing.
    """
    if verbosity is Verbosity.QUIET or not outcomes:
        return
    console = stderr_console()
    _print(console, summary_line(outcomes, seconds))
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed and len(outcomes) > 1:
        _print(console, "failed:", "failed")
        console.print(_failure_table(failed[:LISTED_FAILURES]))
    if len(failed) > LISTED_FAILURES:
        _print(console, f"and {len(failed) - LISTED_FAILURES} more; --json records every file")


def summary_line(outcomes: Sequence["AnyOutcome"], seconds: float) -> str:
    """Return the counts by status and the times in one line.

    >>> from pathlib import Path
    >>> summary_line([Outcome(Path("a"), Path("b"), "ok", seconds=1.5)], 2.0)
    '1 done in 2.0 s, 1.5 s per file'
    """
    counts = Counter(outcome.status for outcome in outcomes)
    text = ", ".join(f"{counts[status]} {WORDS[status]}" for status in WORDS if counts[status])
    if set(counts) == {"planned"} or set(counts) == {"planned", "skipped"}:
        return text
    text += f" in {seconds:.1f} s"
    if not counts["ok"]:
        return text
    mean = sum(outcome.seconds for outcome in outcomes if outcome.status == "ok") / counts["ok"]
    return f"{text}, {mean:.1f} s per file"


def _failure_table(failed: Sequence["AnyOutcome"]) -> Table:
    table = Table("file", "code", "reason", box=None)
    for outcome in failed:
        cells = (str(outcome.source), outcome.code or "", outcome.message)
        table.add_row(*(Text(printable(cell), overflow="fold") for cell in cells))
    return table


def _in_short(outcome: "AnyOutcome") -> str:
    """Say how long it took, and which ratio was chosen why."""
    if outcome.status != "ok":
        return ""
    report, time = outcome.report, f"{outcome.seconds:.1f} s"
    return f" ({time})" if report is None else f" ({_ratio(report)}; {time})"


def _ratio(report: "Report") -> str:
    return f"ratio {report.ratio:g}, {report.ratio_reason}"


def _failure(outcome: "AnyOutcome") -> str:
    parts = ("darkroom", str(outcome.source), outcome.code, outcome.message)
    return ": ".join(part for part in parts if part)


def _details(outcome: "AnyOutcome") -> list[str]:
    if outcome.trace:
        return outcome.trace.splitlines()
    report = outcome.report
    if report is None:
        return []
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in report.seconds.items())
    return [
        f"{report.camera}; noise: {report.noise_source}",
        f"{report.model} on {report.device}, {report.tile}; {times}",
    ]


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # rich would turn --json records into text above the bar, were it to redirect stdout
    return Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def _show(console: Console, lines: Sequence[tuple[str, str]]) -> None:
    for kind, text in lines:
        _print(console, text, kind)


def _print(console: Console, text: str, kind: str = "result") -> None:
    console.print(Text(printable(text), STYLES.get(kind, "")), soft_wrap=True)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
