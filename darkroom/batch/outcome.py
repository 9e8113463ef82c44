"""What becomes of one file: done, skipped, failed - and why."""

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from darkroom.batch.plan import Job
from darkroom.errors import DarkroomError, FailureCode, FileProblem
from darkroom.publish import Published, check_writable

Status = Literal["ok", "skipped", "suspect", "failed", "cancelled", "planned"]
DONE_BEFORE = "done before"  # message of a skipped file that needs no attention
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class Result(Protocol):
    """What a recipe reports of one file."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user."""

    @property
    def suspect(self) -> bool:
        """Whether the file was written although something about it looks damaged."""

    @property
    def published(self) -> Published | None:
        """Size and digest of the file that was written."""

    @property
    def seen(self) -> "Seen | None":
        """The version of the input that was read."""

    def record(self) -> dict[str, object]:
        """The recipe's own fields of the file's record."""


R = TypeVar("R", bound=Result | None)
R_co = TypeVar("R_co", bound=Result | None, covariant=True)
S = TypeVar("S")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells one version of an input from the next."""

    size: int
    mtime_ns: int
    sha256: str | None = None


@dataclass(frozen=True)
class Outcome(Generic[R_co]):
    """What became of one job.

    Attributes:
        job: what was to be done.
        status: "ok", "skipped" (done before), "suspect" (written, but look at it), "failed",
            "cancelled" or "planned".
        code: why it failed, for scripts.
        message: why it is not "ok", for people.
        stage: what was being done when it failed.
        warnings: what the user should know although it went well.
        seconds: time its work took.
        seen: the input as it was before the work; None if there was none.
        report: what the recipe tells about the file.
        trace: the traceback of an unexpected error.
    """

    job: Job
    status: Status
    code: FailureCode | None = None
    message: str = ""
    stage: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    seen: Seen | None = None
    report: R_co | None = None
    trace: str = ""

    @property
    def source(self) -> Path:
        """The file that was read."""
        return self.job.source

    @property
    def target(self) -> Path:
        """The file that was, or would be, written."""
        return self.job.target


@dataclass(frozen=True)
class Underway(Generic[T_co]):
    """A job whose work has come so far.

    Attributes:
        job: what is to be done.
        seen: the input as it was before the work; None if there was none.
        made: what the last step made.
        seconds: what the steps took, without the time between them.
    """

    job: Job
    seen: Seen | None
    made: T_co
    seconds: float = 0.0


def attempt(job: Job, work: Callable[[Job], R]) -> Outcome[R]:
    """Do one job; failures of the file become its outcome.

    Raises:
        DarkroomError: an error that is not the file's.
    """
    done = carry_on(begin(job), work)
    return done if isinstance(done, Outcome) else conclude(done)


def begin(job: Job) -> Underway[Job]:
    """Return a job of which nothing is done."""
    return Underway(job, look_at(job.source), job)


def carry_on(part: Underway[S], step: Callable[[S], T]) -> "Underway[T] | Outcome[Any]":
    """Do the next step of a job; failures of the file become its outcome.

    Raises:
        DarkroomError: an error that is not the file's.
    """
    started = time.perf_counter()
    try:
        if part.made is part.job:  # the first step
            check_writable(part.job.target)  # before minutes of work
        made = step(part.made)
    except FileProblem as problem:
        message = "; ".join(filter(None, (problem.what, problem.advice)))
        failure = Outcome[Any](part.job, "failed", problem.code, message, problem.stage)
    except MemoryError:
        advice = "close other programs, or use a smaller --tile or --max-memory"
        message = f"not enough memory; {advice}"
        failure = Outcome[Any](part.job, "failed", FailureCode.OOM_HOST, message)
    except DarkroomError:
        raise
    except Exception as error:
        message = f"internal error: {type(error).__name__}: {error}; please report it"
        trace = traceback.format_exc()
        failure = Outcome[Any](part.job, "failed", FailureCode.INTERNAL, message, trace=trace)
    else:
        return Underway(part.job, part.seen, made, part.seconds + time.perf_counter() - started)
    seconds = part.seconds + time.perf_counter() - started
    return replace(failure, seconds=seconds, seen=part.seen)


def conclude(part: Underway[R]) -> Outcome[R]:
    """Return the outcome of a job whose last step made its report."""
    report = part.made
    if report is None:
        return Outcome(part.job, "ok", seconds=part.seconds, seen=part.seen)
    status: Status = "suspect" if report.suspect else "ok"
    return Outcome(
        part.job,
        status,
        warnings=report.warnings,
        seconds=part.seconds,
        seen=report.seen,
        report=report,
    )


def look_at(source: Path) -> Seen | None:
    """Return what tells this version of the file, None where there is none to look at."""
    try:
        facts = source.stat()
    except (OSError, ValueError):
        return None
    return Seen(facts.st_size, facts.st_mtime_ns)


def exit_code(outcomes: Iterable[Outcome[R]]) -> int:
    """Return how the program ends: 0 all done, 1 some failed or suspect, 130 interrupted."""
    statuses = {outcome.status for outcome in outcomes}
    if "cancelled" in statuses:
        return INTERRUPTED
    return 1 if statuses & {"failed", "suspect"} else 0
