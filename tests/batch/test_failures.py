from pathlib import Path

import pytest

from darkroom.batch.failures import failed_jobs, header, last_run
from darkroom.batch.manifest import Manifest
from darkroom.batch.outcome import Outcome
from darkroom.batch.plan import Job
from darkroom.batch.records import Run, outcome_record
from darkroom.errors import FailureCode, UsageProblem


def noted(root: Path, run: Run, *outcomes: Outcome[None]) -> Path:
    """Write what became of some jobs into a manifest."""
    manifest = Manifest(root, header(run))
    for outcome in outcomes:
        manifest.append(outcome_record(outcome, run))
    manifest.close()
    return manifest.path


def job_of(root: Path, below: str) -> Job:
    return Job(Path("card") / below, root / f"{below}.tif", root, Path(below))


def test_the_failures_of_the_last_run_are_found(tmp_path: Path) -> None:
    good, bad = job_of(tmp_path, "a.ARW"), job_of(tmp_path, "day/b.ARW")
    failed: Outcome[None] = Outcome(bad, "failed", FailureCode.EMPTY, "empty")
    run = Run(options={"ratio": "100"})
    path = noted(tmp_path, run, Outcome(good, "ok"), failed)
    assert last_run(path)["options"] == {"ratio": "100"}
    assert failed_jobs(path, last_run(path)) == [bad]
    noted(tmp_path, Run(), Outcome(bad, "ok"))
    assert failed_jobs(path, last_run(path)) == []


def test_what_was_done_later_in_the_same_run_is_no_failure(tmp_path: Path) -> None:
    bad, run = job_of(tmp_path, "b.ARW"), Run()
    path = noted(tmp_path, run, Outcome(bad, "failed"), Outcome(bad, "ok"))
    assert failed_jobs(path, last_run(path)) == []


def test_what_is_no_manifest_cannot_be_retried(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no such"):
        last_run(tmp_path / "none")
    (tmp_path / "notes").write_text("hello\n")
    with pytest.raises(UsageProblem, match="no manifest"):
        last_run(tmp_path / "notes")


def test_odd_lines_of_a_manifest_are_no_failed_jobs(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path, {"v": 1, "kind": "run", "run": "r"})
    line = {"v": 1, "run": "r", "status": "failed", "in": "a", "out": "b.tif", "below": "x/y/z/a"}
    manifest.append(line)
    manifest.append({"v": 1, "run": "r", "status": []})
    manifest.close()
    assert failed_jobs(manifest.path, last_run(manifest.path)) == []
