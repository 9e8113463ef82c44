"""Work through a batch in front of the user."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.errors import UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.outcome import Outcome, Result
    from darkroom.batch.plan import Job
    from darkroom.batch.records import Run
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
    outcomes: "Iterable[Outcome[Result | None]]",
    *,
    settled: "Sequence[Outcome[Result | None]]" = (),
    verbosity: "Verbosity",
    json: bool,
    run: "Run",
    manifests: "Callable[[], Sequence[Path]]" = tuple,
) -> int:
    """Show the outcomes of `jobs` as they come, then a summary; return the exit code.

    Args:
        jobs: the whole batch.
        outcomes: what becomes of it.
        settled: outcomes of files that are no jobs.
        verbosity: how much people are told.
        json: write a record of each outcome to the standard output.
        run: what the records share.
        manifests: asked at the end which manifests hold the failures.
    """
    from darkroom.batch.outcome import exit_code
    from darkroom.batch.records import outcome_record
    from darkroom.batch.run import cancel
    from darkroom.report.console import showing, summarise
    from darkroom.report.records import write_record

    started = time.perf_counter()
    seen: list[Outcome[Result | None]] = []
    left = {job.target: job for job in jobs}
    try:
        with showing(len(jobs), verbosity) as show:

            def take(outcome: "Outcome[Result | None]") -> None:
                seen.append(outcome)
                left.pop(outcome.target, None)
                if json:
                    write_record(outcome_record(outcome, run))
                show(outcome)

            try:
                for outcome in chain(settled, outcomes):
                    take(outcome)
            except KeyboardInterrupt:  # it came between two files
                for outcome in cancel(left.values(), "interrupted"):
                    take(outcome)
    finally:
        summarise(seen, time.perf_counter() - started, verbosity, manifests())
    return exit_code(seen)
