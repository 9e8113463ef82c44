from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from darkroom.batch.plan import Job
from darkroom.batch.run import Outcome, cancel, exit_code, preview_jobs, run_jobs
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem, StoppedEarly


@dataclass(frozen=True)
class Note:
    warnings: tuple[str, ...] = ()


def jobs_in(folder: Path, count: int) -> list[Job]:
    return [Job(folder / f"{n}.ARW", folder / f"{n}.ARW.tif") for n in range(count)]


def raising(error: BaseException, at: int) -> Callable[[Job], Note]:
    def work(job: Job) -> Note:
        if job.source.name == f"{at}.ARW":
            raise error
        job.target.write_bytes(b"done")
        return Note(("dim",))

    return work


def statuses(outcomes: list[Outcome[Note]]) -> str:
    return " ".join(outcome.status for outcome in outcomes)


def test_every_job_gets_an_outcome_with_its_report(tmp_path: Path) -> None:
    outcomes = list(run_jobs(jobs_in(tmp_path, 2), lambda job: Note(("dim",)), overwrite=False))
    assert statuses(outcomes) == "ok ok"
    assert outcomes[0].report == Note(("dim",))
    assert outcomes[0].warnings == ("dim",)
    assert exit_code(outcomes) == 0


BAD_FILES = [
    (FileProblem(FailureCode.TRUNCATED, "ends at 7"), FailureCode.TRUNCATED, "ends at 7"),
    (FileProblem(FailureCode.BLACK, "black", "try more"), FailureCode.BLACK, "black; try more"),
    (MemoryError(), FailureCode.OOM_HOST, "not enough memory"),
    (ZeroDivisionError("division by zero"), FailureCode.INTERNAL, "please report"),
    (RecursionError(), FailureCode.INTERNAL, "RecursionError"),
]


@pytest.mark.parametrize(("error", "code", "text"), BAD_FILES)
def test_one_bad_file_never_stops_the_others(
    tmp_path: Path, error: Exception, code: FailureCode, text: str
) -> None:
    outcomes = list(run_jobs(jobs_in(tmp_path, 3), raising(error, at=1), overwrite=False))
    assert statuses(outcomes) == "ok failed ok"
    assert outcomes[1].code is code
    assert text in outcomes[1].message
    assert exit_code(outcomes) == 1


def test_only_unexpected_errors_keep_their_traceback(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 1)
    (bug,) = run_jobs(jobs, raising(ZeroDivisionError(), at=0), overwrite=False)
    assert "ZeroDivisionError" in bug.trace
    problem = FileProblem(FailureCode.EMPTY, "empty")
    (known,) = run_jobs(jobs, raising(problem, at=0), overwrite=False)
    assert known.trace == ""


def test_existing_outputs_are_skipped_unless_overwritten(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 2)
    jobs[0].target.touch()
    work = raising(ValueError(), at=9)
    outcomes = list(run_jobs(jobs, work, overwrite=False))
    assert statuses(outcomes) == "skipped ok"
    assert "--overwrite" in outcomes[0].message
    assert exit_code(outcomes) == 0
    assert jobs[0].target.read_bytes() == b""
    assert statuses(list(run_jobs(jobs, work, overwrite=True))) == "ok ok"
    assert jobs[0].target.read_bytes() == b"done"


def test_a_second_run_does_exactly_what_is_missing(tmp_path: Path) -> None:
    jobs, worked = jobs_in(tmp_path, 3), []
    list(run_jobs(jobs, raising(ValueError(), at=1), overwrite=False))

    def remember(job: Job) -> Note:
        worked.append(job)
        return Note()

    assert statuses(list(run_jobs(jobs, remember, overwrite=False))) == "skipped ok skipped"
    assert worked == [jobs[1]]


def test_an_interrupted_batch_cancels_the_rest(tmp_path: Path) -> None:
    work = raising(KeyboardInterrupt(), at=1)
    outcomes = list(run_jobs(jobs_in(tmp_path, 4), work, overwrite=False))
    assert statuses(outcomes) == "ok cancelled cancelled cancelled"
    assert exit_code(outcomes) == 130


def test_a_full_disk_stops_the_batch_after_reporting_every_file(tmp_path: Path) -> None:
    work = raising(FileProblem(FailureCode.WRITE_SPACE, "disk full"), at=1)
    outcomes = []
    with pytest.raises(StoppedEarly, match="disk full"):
        outcomes.extend(run_jobs(jobs_in(tmp_path, 3), work, overwrite=False))
    assert StoppedEarly.exit_code == 5


def test_outcomes_before_the_stop_are_yielded(tmp_path: Path) -> None:
    work = raising(FileProblem(FailureCode.WRITE_SPACE, "disk full"), at=1)
    running, outcomes = run_jobs(jobs_in(tmp_path, 3), work, overwrite=False), []
    with pytest.raises(StoppedEarly):
        for outcome in running:
            outcomes.append(outcome)
    assert statuses(outcomes) == "ok failed cancelled"


def test_an_error_of_the_whole_run_is_raised_after_cancelling(tmp_path: Path) -> None:
    work, outcomes = raising(EnvironmentProblem("the device is gone"), at=1), []
    with pytest.raises(EnvironmentProblem, match="gone"):
        for outcome in run_jobs(jobs_in(tmp_path, 3), work, overwrite=False):
            outcomes.append(outcome)
    assert statuses(outcomes) == "ok cancelled cancelled"


def test_no_work_is_done_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").touch()
    jobs = [Job(tmp_path / "a.ARW", tmp_path / "out" / "a.tif")]
    (outcome,) = run_jobs(jobs, raising(AssertionError("worked"), at=0), overwrite=False)
    assert outcome.code is FailureCode.WRITE_DENIED


def test_a_preview_tells_and_does_nothing(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, 2)
    jobs[0].source.touch()
    outcomes = list(preview_jobs(jobs, overwrite=False))
    assert [outcome.status for outcome in outcomes] == ["planned", "planned"]
    assert [bool(outcome.warnings) for outcome in outcomes] == [False, True]
    assert exit_code(outcomes) == 0
    jobs[0].target.touch()
    assert next(preview_jobs(jobs, overwrite=False)).status == "skipped"
    assert next(preview_jobs(jobs, overwrite=True)).status == "planned"


def test_cancelled_outweighs_failed(tmp_path: Path) -> None:
    failed: Outcome[None] = Outcome(Path("a"), Path("b"), "failed")
    cancelled: list[Outcome[None]] = list(cancel(jobs_in(tmp_path, 1), "interrupted"))
    assert exit_code([failed, *cancelled]) == 130
