from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.outcome import (
    Outcome,
    Seen,
    Underway,
    attempt,
    begin,
    carry_on,
    conclude,
    exit_code,
    look_at,
)
from darkroom.batch.plan import Job
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem
from darkroom.publish import Published


@dataclass(frozen=True)
class Note:
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    seen: Seen | None = None
    published: Published | None = None

    def record(self) -> dict[str, object]:
        return {}


def job_in(folder: Path) -> Job:
    return Job(folder / "a.ARW", folder / "a.ARW.tif", folder, Path("a.ARW"))


def raising(error: BaseException) -> Callable[[Job], Note]:
    def work(job: Job) -> Note:
        raise error

    return work


def test_a_done_job_has_its_report_and_the_version_of_its_input(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    job.source.write_bytes(b"12345")
    note = Note(("dim",), seen=Seen(5, 7))
    outcome = attempt(job, lambda job: note)
    assert (outcome.status, outcome.report, outcome.warnings) == ("ok", note, ("dim",))
    assert outcome.seen == Seen(5, 7)
    nothing: Outcome[None] = attempt(job, lambda job: None)
    assert nothing.seen == Seen(5, job.source.stat().st_mtime_ns)
    assert (outcome.source, outcome.target) == (job.source, job.target)


def test_a_suspect_result_is_not_a_success(tmp_path: Path) -> None:
    outcome = attempt(job_in(tmp_path), lambda job: Note(("rows repeat",), suspect=True))
    assert outcome.status == "suspect"
    assert exit_code([outcome]) == 1


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (FileProblem(FailureCode.TRUNCATED, "ends at 7"), FailureCode.TRUNCATED, "ends at 7"),
        (FileProblem(FailureCode.BLACK, "black", "more"), FailureCode.BLACK, "black; more"),
        (MemoryError(), FailureCode.OOM_HOST, "not enough memory"),
        (ZeroDivisionError("division by zero"), FailureCode.INTERNAL, "please report"),
        (RecursionError(), FailureCode.INTERNAL, "RecursionError"),
    ],
)
def test_failures_of_the_file_become_its_outcome(
    tmp_path: Path, error: Exception, code: FailureCode, text: str
) -> None:
    outcome: Outcome[Any] = attempt(job_in(tmp_path), raising(error))
    assert (outcome.status, outcome.code) == ("failed", code)
    assert text in outcome.message


def test_the_stage_of_a_failure_is_kept(tmp_path: Path) -> None:
    problem = FileProblem(FailureCode.BLACK, "black")
    problem.stage = "render"
    assert attempt(job_in(tmp_path), raising(problem)).stage == "render"


def test_only_unexpected_errors_keep_their_traceback(tmp_path: Path) -> None:
    bug = attempt(job_in(tmp_path), raising(ZeroDivisionError()))
    assert "ZeroDivisionError" in bug.trace
    known = attempt(job_in(tmp_path), raising(FileProblem(FailureCode.EMPTY, "empty")))
    assert known.trace == ""


@pytest.mark.parametrize("error", [EnvironmentProblem("no weights"), KeyboardInterrupt()])
def test_errors_of_the_whole_run_go_on(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)):
        attempt(job_in(tmp_path), raising(error))


def test_no_work_is_done_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    job = Job(tmp_path / "a.ARW", tmp_path / "out" / "a.tif", tmp_path / "out", Path("a.ARW"))
    outcome = attempt(job, raising(AssertionError("worked")))
    assert outcome.code is FailureCode.WRITE_DENIED


def test_work_done_in_steps_ends_like_work_done_at_once(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    job.source.write_bytes(b"12345")
    note = Note(("dim",), seen=Seen(5, 7))
    part = begin(job)
    assert part.seen == look_at(job.source)
    part = carry_on(part, lambda job: [job])
    assert isinstance(part, Underway)
    assert part.made == [job]
    done = carry_on(part, lambda made: note)
    assert isinstance(done, Underway)
    assert done.seconds >= part.seconds
    found, expected = conclude(done), attempt(job, lambda job: note)
    assert replace(found, seconds=0.0) == replace(expected, seconds=0.0)


def test_a_step_that_fails_ends_the_work_and_its_time_is_all_of_it(tmp_path: Path) -> None:
    part = replace(begin(job_in(tmp_path)), seconds=2.0)
    failed = carry_on(part, raising(FileProblem(FailureCode.BLACK, "black")))
    assert isinstance(failed, Outcome)
    assert failed.seconds >= 2
    with pytest.raises(EnvironmentProblem):
        carry_on(part, raising(EnvironmentProblem("no weights")))


def test_a_missing_input_has_no_version(tmp_path: Path) -> None:
    assert look_at(tmp_path / "none") is None
    assert look_at(Path("a\0b")) is None


def test_cancelled_outweighs_failed(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    outcomes: list[Outcome[None]] = [Outcome(job, "failed"), Outcome(job, "cancelled")]
    assert exit_code(outcomes) == 130
    assert exit_code(outcomes[:1]) == 1
    assert exit_code([Outcome[None](job, "ok"), Outcome[None](job, "skipped")]) == 0
