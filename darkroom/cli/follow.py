"""Work through a batch in front of the user."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.plan import Job
    from darkroom.batch.run import Outcome
    from darkroom.enhance import Report
    from darkroom.report.console import Verbosity


def verbosity_of(quiet: bool, verbose: bool) -> "Verbosity":
    """Turn -q and -v into one value.

    Raises:
        UsageProblem: both are given.
    """
    from darkroom.report.console import Verbosity

    if quiet and verbose:
        raise UsageProblem("-q and -v exclude each other")
    return Verbosity.QUIET if quiet else Verbosity.VERBOSE if verbose else Verbosity.NORMAL


def follow(
    jobs: "Sequence[Job]",
    outcomes: "Iterable[Outcome[Report | None]]",
    *,
    verbosity: "Verbosity",
    json: bool,
) -> int:
    """Show the outcomes of `jobs` as they come, then a summary; return the exit code.

    Args:
        jobs: the whole batch.
        outcomes: what becomes of it, in the same order.
        verbosity: how much people are told.
        json: write a record of each outcome to the standard output.
    """
    from darkroom.batch.run import cancel, exit_code
    from darkroom.report.console import showing, summarise
    from darkroom.report.records import outcome_record, write_record

    started = time.perf_counter()
    seen: list[Outcome[Report | None]] = []
    try:
        with showing(len(jobs), verbosity) as show:

            def take(outcome: "Outcome[Report | None]") -> None:
                seen.append(outcome)
                if json:
                    write_record(outcome_record(outcome))
                show(outcome)

            try:
                for outcome in outcomes:
                    take(outcome)
            except KeyboardInterrupt:  # it came between two files
                for outcome in cancel(jobs[len(seen) :], "interrupted"):
                    take(outcome)
    finally:
        summarise(seen, time.perf_counter() - started, verbosity)
    return exit_code(seen)
