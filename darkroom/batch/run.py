"""Work through a batch: one bad file never stops the others, and every file gets an outcome."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar

from darkroom.batch.plan import Job
from darkroom.errors import DarkroomError, FailureCode, FileProblem, StoppedEarly
from darkroom.publish import check_writable, is_present

Status = Literal["ok", "skipped", "failed", "cancelled", "planned"]
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class HasWarnings(Protocol):
    """What a recipe reports of one file; only its warnings are looked at here."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user."""


R = TypeVar("R", bound=HasWarnings | None)
R_co = TypeVar("R_co", bound=HasWarnings | None, covariant=True)


@dataclass(frozen=True)
class Outcome(Generic[R_co]):
    """What became of one job.

    Attributes:
        source: the file that was read.
        target: the file that was, or would be, written.
        status: "ok", "skipped" (the target exists), "failed", "cancelled" or "planned".
        code: why it failed, for scripts.
        message: why it is not "ok", for people.
        warnings: what the user should know although it went well.
        seconds: time it took.
        report: what the recipe tells about the file.
        trace: the traceback of an unexpected error.
    """

    source: Path
    target: Path
    status: Status
    code: FailureCode | None = None
    message: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    report: R_co | None = None
    trace: str = ""


def run_jobs(
    jobs: Sequence[Job], work: Callable[[Job], R], *, overwrite: bool
) -> Iterator[Outcome[R]]:
    """Do the jobs in order and tell what became of each, as soon as it is known.

    A file whose target exists is skipped unless `overwrite`. Ctrl-C cancels the remaining files.
    A full disk and errors that concern the whole run cancel them too, and are raised at the end.

    Args:
        jobs: what to do.
        work: reads the source and publishes the target; may raise anything.
        overwrite: work on files whose target exists as well.

    Raises:
        StoppedEarly: the disk is full; every job has got its outcome by then.
        DarkroomError: likewise, what `work` raised other than FileProblem.
    """
    for position, job in enumerate(jobs):
        try:
            outcome = run_job(job, work, overwrite=overwrite)
        except KeyboardInterrupt:
            yield from cancel(jobs[position:], "interrupted")
            return
        except DarkroomError as error:
            yield from cancel(jobs[position:], str(error))
            raise
        yield outcome
        if outcome.code is FailureCode.WRITE_SPACE:
            yield from cancel(jobs[position + 1 :], "the batch was stopped")
            raise StoppedEarly(f"stopped: {outcome.message}; then run the same command again")


def run_job(job: Job, work: Callable[[Job], R], *, overwrite: bool) -> Outcome[R]:
    """Do one job; failures of the file become its outcome.

    Raises:
        DarkroomError: an error that is not the file's.
    """
    started = time.perf_counter()
    if not overwrite and is_present(job.target):
        return _skipped(job)
    outcome = _attempt(job, work)
    return replace(outcome, seconds=time.perf_counter() - started)


def preview_jobs(jobs: Iterable[Job], *, overwrite: bool) -> Iterator[Outcome[None]]:
    """Tell what `run_jobs` would do, without doing it."""
    for job in jobs:
        if not overwrite and is_present(job.target):
            yield _skipped(job)
        else:
            missing = () if is_present(job.source) else ("there is no such file",)
            yield Outcome(job.source, job.target, "planned", warnings=missing)


def cancel(jobs: Iterable[Job], reason: str) -> Iterator[Outcome[R]]:
    """Return the outcomes of jobs that are not done any more."""
    return (Outcome(job.source, job.target, "cancelled", message=reason) for job in jobs)


def exit_code(outcomes: Iterable[Outcome[R]]) -> int:
    """Return how the program ends: 0 all done, 1 some failed, 130 interrupted."""
    statuses = {outcome.status for outcome in outcomes}
    if "cancelled" in statuses:
        return INTERRUPTED
    return 1 if "failed" in statuses else 0


def _skipped(job: Job) -> Outcome[R]:
    message = f"{job.target} exists already; use --overwrite to replace it"
    return Outcome(job.source, job.target, "skipped", message=message)


def _attempt(job: Job, work: Callable[[Job], R]) -> Outcome[R]:
    try:
        check_writable(job.target)  # before minutes of work
        report = work(job)
    except FileProblem as problem:
        message = "; ".join(filter(None, (problem.what, problem.advice)))
        return _failed(job, problem.code, message)
    except MemoryError:
        advice = "close other programs, or use a smaller --tile or --max-memory"
        return _failed(job, FailureCode.OOM_HOST, f"not enough memory; {advice}")
    except DarkroomError:
        raise
    except Exception as error:
        message = f"internal error: {type(error).__name__}: {error}; please report it"
        failed: Outcome[R] = _failed(job, FailureCode.INTERNAL, message)
        return replace(failed, trace=traceback.format_exc())
    warnings = () if report is None else report.warnings
    return Outcome(job.source, job.target, "ok", warnings=warnings, report=report)


def _failed(job: Job, code: FailureCode, message: str) -> Outcome[R]:
    return Outcome(job.source, job.target, "failed", code, message)
