"""Work through a batch: one bad file never stops the others, and every file gets an outcome."""

import shutil
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from darkroom.batch.outcome import Outcome, R, Status, attempt
from darkroom.batch.plan import Job
from darkroom.errors import DarkroomError, FailureCode, StoppedEarly
from darkroom.publish import is_present

# Does jobs as it pulls them and yields the outcome of each, in any order.
Attempts: TypeAlias = Callable[[Iterator[Job]], Generator[Outcome[R], None, None]]
# Opens whatever the work needs, for the time of a run.
Prepare: TypeAlias = Callable[[], AbstractContextManager[Callable[[Job], R]]]
# Says what became of a job before any work: None means that it is to be done.
Settled: TypeAlias = Callable[[Job], Outcome[R] | None]

SAME_FAILURES = 20  # more of one kind in a row are the machine's or the folder's, not the files'
FILES_OF_ROOM = 2  # the disk must hold this many more of the largest output so far


@dataclass(frozen=True)
class StopRules:
    """When a batch gives up.

    Attributes:
        max_failures: stop at the n-th failure; 0 never stops for failures, None stops only for
            more than 20 in a row with the same code.
    """

    max_failures: int | None = None


@dataclass
class Watch:
    """What happened so far, as far as it may end the batch."""

    rules: StopRules
    failures: int = 0
    last_code: FailureCode | None = None
    in_a_row: int = 0
    largest: int = 0

    def reason_to_stop(self, outcome: Outcome[R]) -> str:
        """Take an outcome in and return why the batch must end, "" if it goes on."""
        if outcome.code is FailureCode.WRITE_SPACE:
            return outcome.message
        self.in_a_row = self.in_a_row + 1 if outcome.code == self.last_code else 1
        self.last_code = outcome.code
        if outcome.status == "failed":
            self.failures += 1
            return self._too_many(outcome)
        published = None if outcome.report is None else outcome.report.published
        self.largest = max(self.largest, published.size if published else 0)
        return lack_of_room(outcome.target.parent, FILES_OF_ROOM * self.largest)

    def _too_many(self, outcome: Outcome[R]) -> str:
        most = self.rules.max_failures
        if most and self.failures >= most:
            files = "1 file" if self.failures == 1 else f"{self.failures} files"
            return f"{files} failed, and no more are allowed"
        if most is None and self.in_a_row > SAME_FAILURES:
            return (
                f"{self.in_a_row} files in a row failed with {outcome.code}, the last because: "
                f"{outcome.message}; --max-failures 0 would go on"
            )
        return ""


def lack_of_room(folder: Path, needed: int) -> str:
    """Say that the disk of `folder` holds fewer than `needed` bytes, "" if it holds them."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free >= needed:
        return ""
    return f"the disk of {folder} has {free >> 20} MB left, the next file may need more; free space"


def one_by_one(prepare: Prepare[R]) -> Attempts[R]:
    """Return attempts that do one job after the other in this process.

    Nothing is prepared (a model loaded, a decoder started) before there is a job.
    """

    def attempts(jobs: Iterator[Job]) -> Generator[Outcome[R], None, None]:
        first = next(jobs, None)
        if first is None:
            return
        with prepare() as work:
            for job in chain([first], jobs):
                yield attempt(job, work)

    return attempts


def kept(job: Job) -> Outcome[R] | None:
    """Settle a job whose target exists, whoever made it: it is skipped."""
    if not is_present(job.target):
        return None
    message = f"{job.target} exists already; use --overwrite to replace it"
    return Outcome(job, "skipped", message=message)


def never(_job: Job) -> Outcome[R] | None:
    """Settle nothing: every job is to be done."""
    return None


def run_jobs(
    jobs: Sequence[Job],
    attempts: Attempts[R],
    *,
    settled: Settled[R] = kept,
    remember: Callable[[Outcome[R]], Outcome[R]] = lambda outcome: outcome,
    rules: StopRules = StopRules(),
    ready: Callable[[Collection[Job]], None] = lambda jobs: None,
) -> Generator[Outcome[R], None, None]:
    """Tell of each job what became of it, as soon as it is known: first of those settled before.

    Ctrl-C cancels the remaining files. A full disk, too many failures and errors that concern the
    whole run cancel them too, and are raised at the end.

    Args:
        jobs: what to do, each with another target.
        attempts: does those that are not settled.
        settled: tells which need no work.
        remember: notes an outcome before anyone else is told of it.
        rules: when to give up.
        ready: called once with the jobs that are to be done; may refuse them.

    Raises:
        StoppedEarly: disk full or too many failures; every job has got its outcome by then.
        DarkroomError: likewise, what `attempts` raised.
    """
    left: dict[Path, Job] = {}
    for job in jobs:
        outcome = settled(job)
        if outcome is None:
            left[job.target] = job
        else:
            yield remember(outcome) if outcome.status == "failed" else outcome
    try:
        ready(left.values())
        yield from _worked_off(left, attempts, remember, Watch(rules))
    except KeyboardInterrupt:
        yield from cancel(left.values(), "interrupted")
    except DarkroomError as error:
        yield from cancel(left.values(), str(error))
        raise


def _worked_off(
    left: dict[Path, Job],
    attempts: Attempts[R],
    remember: Callable[[Outcome[R]], Outcome[R]],
    watch: Watch,
) -> Iterator[Outcome[R]]:
    """Do the jobs in `left`, which shrinks as they get their outcomes."""
    with closing(attempts(iter([*left.values()]))) as outcomes:
        for outcome in outcomes:
            if outcome.target not in left:
                continue  # told once more: Ctrl-C came between two lines
            try:
                outcome = remember(outcome)  # noqa: PLW2901
            except KeyboardInterrupt:  # the work is done all the same
                del left[outcome.target]
                yield outcome
                raise
            del left[outcome.target]
            yield outcome
            reason = watch.reason_to_stop(outcome)
            if reason and (left or outcome.code is FailureCode.WRITE_SPACE):
                raise StoppedEarly(f"stopped: {reason}; then run the same command again")


def preview_jobs(
    jobs: Iterable[Job], *, settled: Settled[R] = kept
) -> Generator[Outcome[R], None, None]:
    """Tell what `run_jobs` would do, without doing it."""
    for job in jobs:
        outcome = settled(job)
        if outcome is not None:
            yield outcome
        else:
            missing = () if is_present(job.source) else ("there is no such file",)
            yield Outcome(job, "planned", warnings=missing)


def cancel(jobs: Iterable[Job], reason: str) -> Iterator[Outcome[R]]:
    """Return the outcomes of jobs that are not done any more."""
    status: Status = "cancelled"
    return (Outcome(job, status, FailureCode.CANCELLED, message=reason) for job in [*jobs])
