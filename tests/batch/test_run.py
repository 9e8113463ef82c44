from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.outcome import Outcome, Seen, exit_code
from darkroom.batch.plan import Job
from darkroom.batch.run import (
    Attempts,
    StopRules,
    cancel,
    kept,
    never,
    one_by_one,
    preview_jobs,
    run_jobs,
)
from darkroom.errors import (
    DarkroomError,
    EnvironmentProblem,
    FailureCode,
    FileProblem,
    StoppedEarly,
)
from darkroom.publish import Published

FULL = FileProblem(FailureCode.WRITE_SPACE, "disk full")


@dataclass(frozen=True)
class Note:
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    seen: Seen | None = None
    published: Published | None = None

    def record(self) -> dict[str, object]:
        return {}


def jobs_in(folder: Path, count: int) -> list[Job]:
    names = [Path(f"{n}.ARW") for n in range(count)]
    return [Job(folder / n, folder / f"{n}.tif", folder, n) for n in names]


def doing(work: Callable[[Job], Note]) -> Attempts[Note]:
    return one_by_one(lambda: nullcontext(work))


def raising(error: BaseException, *at: int) -> Attempts[Note]:
    def work(job: Job) -> Note:
        if job.source.name in {f"{n}.ARW" for n in at}:
            raise error
        job.target.write_bytes(b"done")
        return Note()

    return doing(work)


def statuses(outcomes: list[Outcome[Note]]) -> str:
    return " ".join(outcome.status for outcome in outcomes)


def stopped(running: Iterator[Outcome[Note]], error: type[DarkroomError]) -> str:
    """Return the statuses of a batch that ends with an error."""
    outcomes = []
    with pytest.raises(error):
        for outcome in running:
            outcomes.append(outcome)
    return statuses(outcomes)


def test_one_bad_file_never_stops_the_others(tmp_path: Path) -> None:
    bad = FileProblem(FailureCode.TRUNCATED, "ends at 7")
    outcomes = list(run_jobs(jobs_in(tmp_path, 3), raising(bad, 1)))
    assert statuses(outcomes) == "ok failed ok"
    assert exit_code(outcomes) == 1


def test_nothing_is_prepared_without_work(tmp_path: Path) -> None:
    prepared = []

    @contextmanager
    def prepare() -> Iterator[Callable[[Job], Note]]:
        prepared.append("opened")
        yield lambda job: Note()

    jobs = jobs_in(tmp_path, 2)
    for job in jobs:
        job.target.touch()
    assert statuses(list(run_jobs(jobs, one_by_one(prepare)))) == "skipped skipped"
    assert prepared == []
    outcomes = run_jobs(jobs, one_by_one(prepare), settled=never)
    assert next(outcomes).status == "ok"
    outcomes.close()
    assert prepared == ["opened"]


def test_what_was_prepared_is_closed_when_a_batch_stops(tmp_path: Path) -> None:
    closed = []

    @contextmanager
    def prepare() -> Iterator[Callable[[Job], Note]]:
        def work(job: Job) -> Note:
            raise FULL

        try:
            yield work
        finally:
            closed.append(True)

    assert stopped(run_jobs(jobs_in(tmp_path, 2), one_by_one(prepare)), StoppedEarly)
    assert closed == [True]


def test_settled_jobs_come_first_and_are_not_done(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 3)
    jobs[1].target.write_bytes(b"theirs")
    outcomes = list(run_jobs(jobs, raising(ValueError()), settled=kept))
    assert [(outcome.status, outcome.source.name) for outcome in outcomes] == [
        ("skipped", "1.ARW"),
        ("ok", "0.ARW"),
        ("ok", "2.ARW"),
    ]
    assert jobs[1].target.read_bytes() == b"theirs"


def test_an_interrupted_batch_cancels_the_rest(tmp_path: Path) -> None:
    outcomes = list(run_jobs(jobs_in(tmp_path, 4), raising(KeyboardInterrupt(), 1)))
    assert statuses(outcomes) == "ok cancelled cancelled cancelled"
    assert exit_code(outcomes) == 130
    assert outcomes[1].code is FailureCode.CANCELLED


def test_a_full_disk_stops_the_batch_after_reporting_every_file(tmp_path: Path) -> None:
    running = run_jobs(jobs_in(tmp_path, 3), raising(FULL, 1))
    assert stopped(running, StoppedEarly) == "ok failed cancelled"


def test_a_full_disk_is_no_success_even_with_the_last_file(tmp_path: Path) -> None:
    running = run_jobs(jobs_in(tmp_path, 2), raising(FULL, 1))
    assert stopped(running, StoppedEarly) == "ok failed"


def test_an_error_of_the_whole_run_is_raised_after_cancelling(tmp_path: Path) -> None:
    running = run_jobs(jobs_in(tmp_path, 3), raising(EnvironmentProblem("gone"), 1))
    assert stopped(running, EnvironmentProblem) == "ok cancelled cancelled"


def test_a_batch_stops_at_the_number_of_failures_that_is_allowed(tmp_path: Path) -> None:
    attempts = raising(FileProblem(FailureCode.EMPTY, "empty"), 0, 2, 3)
    running = run_jobs(jobs_in(tmp_path, 5), attempts, rules=StopRules(max_failures=2))
    assert stopped(running, StoppedEarly) == "failed ok failed cancelled cancelled"


@pytest.mark.parametrize(("max_failures", "done"), [(None, 21), (0, 30)])
def test_many_equal_failures_in_a_row_stop_the_batch_unless_told_otherwise(
    tmp_path: Path, max_failures: int | None, done: int
) -> None:
    attempts = raising(FileProblem(FailureCode.EMPTY, "empty"), *range(30))
    outcomes = []
    running = run_jobs(jobs_in(tmp_path, 30), attempts, rules=StopRules(max_failures))
    with pytest.raises(StoppedEarly) if done < 30 else nullcontext():
        for outcome in running:
            outcomes.append(outcome)
    assert statuses(outcomes).count("failed") == done
    assert len(outcomes) == 30


def test_equal_failures_are_counted_in_a_row_only(tmp_path: Path) -> None:
    attempts = raising(FileProblem(FailureCode.EMPTY, "empty"), *(n for n in range(50) if n % 20))
    assert len(list(run_jobs(jobs_in(tmp_path, 50), attempts))) == 50


def test_a_batch_stops_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 10_000_000

    class Usage:
        @property
        def free(self) -> int:
            return free

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage())
    attempts = doing(lambda job: Note(published=Published(5_000_001, "")))
    running = run_jobs(jobs_in(tmp_path, 2), attempts)
    assert stopped(running, StoppedEarly) == "ok cancelled"
    attempts = doing(lambda job: Note(published=Published(5_000_000, "")))
    assert statuses(list(run_jobs(jobs_in(tmp_path, 2), attempts))) == "ok ok"


def test_every_outcome_is_remembered_before_it_is_told(tmp_path: Path) -> None:
    noted = []

    def remember(outcome: Outcome[Note]) -> Outcome[Note]:
        noted.append(outcome)
        return outcome

    for count, outcome in enumerate(
        run_jobs(jobs_in(tmp_path, 3), raising(ValueError(), 1), remember=remember), start=1
    ):
        assert noted[-1] is outcome
        assert len(noted) == count


def test_what_is_done_is_told_though_ctrl_c_comes_while_it_is_noted(tmp_path: Path) -> None:
    def remember(outcome: Outcome[Note]) -> Outcome[Note]:
        if outcome.source.name == "1.ARW":
            raise KeyboardInterrupt
        return outcome

    attempts = doing(lambda job: Note())
    outcomes = list(run_jobs(jobs_in(tmp_path, 3), attempts, remember=remember))
    assert statuses(outcomes) == "ok ok cancelled"


def test_an_outcome_that_is_told_twice_counts_once(tmp_path: Path) -> None:
    def stammering(jobs: Iterator[Job]) -> Generator[Outcome[Note], None, None]:
        for job in jobs:
            yield from [Outcome[Note](job, "ok")] * 2

    outcomes = list(run_jobs(jobs_in(tmp_path, 2), stammering))
    assert [outcome.source.name for outcome in outcomes] == ["0.ARW", "1.ARW"]


def test_the_jobs_that_are_left_can_be_refused_before_any_work(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 3)
    jobs[1].target.touch()
    refused = []

    def ready(left: Collection[Job]) -> None:
        refused.extend(left)
        raise StoppedEarly("read-only")

    running = run_jobs(jobs, raising(AssertionError("worked"), 0), ready=ready)
    assert stopped(running, StoppedEarly) == "skipped cancelled cancelled"
    assert refused == [jobs[0], jobs[2]]


def test_attempts_may_finish_in_any_order(tmp_path: Path) -> None:
    def backwards(jobs: Iterator[Job]) -> Generator[Outcome[Note], None, None]:
        for job in reversed([*jobs]):
            yield Outcome(job, "ok")

    outcomes = list(run_jobs(jobs_in(tmp_path, 3), backwards))
    assert [outcome.source.name for outcome in outcomes] == ["2.ARW", "1.ARW", "0.ARW"]


def test_a_preview_tells_and_does_nothing(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 2)
    jobs[0].source.touch()
    outcomes: list[Outcome[Any]] = list(preview_jobs(jobs))
    assert [outcome.status for outcome in outcomes] == ["planned", "planned"]
    assert [bool(outcome.warnings) for outcome in outcomes] == [False, True]
    assert exit_code(outcomes) == 0
    jobs[0].target.touch()
    assert next(preview_jobs(jobs)).status == "skipped"
    assert next(preview_jobs(jobs, settled=never)).status == "planned"


def test_cancelled_jobs_say_why(tmp_path: Path) -> None:
    (outcome,) = cancel(jobs_in(tmp_path, 1), "the device is gone")
    assert (outcome.status, outcome.message) == ("cancelled", "the device is gone")
