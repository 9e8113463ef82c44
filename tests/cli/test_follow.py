import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.outcome import Outcome
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.cli.follow import follow, verbosity_of
from darkroom.errors import StoppedEarly, UsageProblem
from darkroom.report.console import Verbosity

JOBS = [Job(Path(f"{n}.ARW"), Path(f"{n}.tif"), Path(), Path(f"{n}.ARW")) for n in range(3)]
RUN = Run()


def outcomes(*statuses: str, error: BaseException | None = None) -> Iterator[Outcome[Any]]:
    for job, status in zip(JOBS, statuses, strict=False):
        yield Outcome(job, status)  # type: ignore[arg-type]
    if error:
        raise error


def test_every_outcome_is_shown_recorded_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    batch = outcomes("ok", "failed", "skipped")
    assert follow(JOBS, batch, verbosity=Verbosity.NORMAL, json=True, run=RUN) == 1
    captured = capsys.readouterr()
    records = [json.loads(line) for line in captured.out.splitlines()]
    assert [record["status"] for record in records] == ["ok", "failed", "skipped"]
    assert "1 done, 1 skipped, 1 failed" in captured.err


def test_without_json_the_standard_output_stays_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(JOBS, outcomes("ok"), verbosity=Verbosity.NORMAL, json=False, run=RUN) == 0
    assert capsys.readouterr().out == ""


def test_ctrl_c_between_two_files_cancels_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    batch = outcomes("ok", error=KeyboardInterrupt())
    assert follow(JOBS, batch, verbosity=Verbosity.NORMAL, json=True, run=RUN) == 130
    captured = capsys.readouterr()
    records = [json.loads(line)["status"] for line in captured.out.splitlines()]
    assert records == ["ok", "cancelled", "cancelled"]
    assert "1 done, 2 cancelled" in captured.err


def test_outcomes_of_no_job_come_first(capsys: pytest.CaptureFixture[str]) -> None:
    twin: Outcome[Any] = Outcome(JOBS[2], "skipped", message="the same file as 0.ARW")
    batch = outcomes("ok")
    code = follow(JOBS[:1], batch, settled=[twin], verbosity=Verbosity.NORMAL, json=False, run=RUN)
    assert code == 0
    assert "2.ARW: skipped: the same file as 0.ARW" in capsys.readouterr().err


def test_a_stopped_batch_is_summed_up_before_the_error_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(StoppedEarly):
        follow(
            JOBS,
            outcomes("ok", "failed", error=StoppedEarly("disk full")),
            verbosity=Verbosity.NORMAL,
            json=False,
            run=RUN,
        )
    assert "1 done, 1 failed" in capsys.readouterr().err


def test_quiet_and_verbose_exclude_each_other() -> None:
    assert verbosity_of(False, False) is Verbosity.NORMAL
    assert verbosity_of(True, False) is Verbosity.QUIET
    assert verbosity_of(False, True) is Verbosity.VERBOSE
    with pytest.raises(UsageProblem):
        verbosity_of(True, True)
