import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from darkroom.batch.bench import Bench, Kit, dask_setup, software
from darkroom.batch.plan import Job
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem

Work = Callable[[Job], None]


def job_in(folder: Path) -> Job:
    return Job(folder / "1.ARW", folder / "1.ARW.tif", folder, Path("1.ARW"))


@contextmanager
def noted(log: list[str], name: str, work: Work) -> Iterator[Work]:
    log.append(f"{name} opened")
    yield work
    log.append(f"{name} closed")


def kit_of(log: list[str], name: str, work: Work = lambda job: None) -> Kit[None]:
    return Kit(name, software(), partial(noted, log, name, work))


def raising(error: Exception) -> Callable[[], object]:
    def prepare() -> object:
        raise error

    return prepare


def test_the_work_is_opened_once_for_all_jobs_of_a_run(tmp_path: Path) -> None:
    bench, log = Bench(), []
    kit = kit_of(log, "run")
    assert [bench.do(job_in(tmp_path), kit).status for _ in range(3)] == ["ok"] * 3
    assert log == ["run opened"]
    bench.end("run")
    assert log == ["run opened", "run closed"]


def test_the_next_run_closes_what_a_killed_one_left_open(tmp_path: Path) -> None:
    bench, log = Bench(), []
    for name in ("first", "second", "second"):
        bench.do(job_in(tmp_path), kit_of(log, name))
    assert log == ["first opened", "first closed", "second opened"]


def test_the_end_of_another_run_closes_nothing(tmp_path: Path) -> None:
    bench, log = Bench(), []
    bench.do(job_in(tmp_path), kit_of(log, "run"))
    bench.end("other")
    assert log == ["run opened"]


def test_a_run_that_ends_during_a_job_is_closed_after_it(tmp_path: Path) -> None:
    bench, log = Bench(), []
    begun, ended = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        begun.set()
        assert ended.wait(10)
        log.append("worked")

    thread = threading.Thread(target=bench.do, args=(job_in(tmp_path), kit_of(log, "run", work)))
    thread.start()
    assert begun.wait(10)
    bench.end("run")
    ended.set()
    thread.join()
    assert log == ["run opened", "worked", "run closed"]


def test_threads_take_turns(tmp_path: Path) -> None:
    bench, at_work, together = Bench(), [], []

    def work(job: Job) -> None:
        at_work.append(1)
        threading.Event().wait(0.01)
        together.append(len(at_work))
        at_work.pop()

    kit = kit_of([], "run", work)
    threads = [threading.Thread(target=bench.do, args=(job_in(tmp_path), kit)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1, 1, 1, 1]


def test_a_bad_file_is_an_outcome_and_the_work_stays_open(tmp_path: Path) -> None:
    def work(job: Job) -> None:
        raise FileProblem(FailureCode.EMPTY, "empty")

    bench, log = Bench(), []
    assert bench.do(job_in(tmp_path), kit_of(log, "run", work)).code is FailureCode.EMPTY
    assert log == ["run opened"]


@pytest.mark.parametrize(
    "error",
    [
        EnvironmentProblem("no model small"),
        PermissionError("no model small"),
        FileProblem(FailureCode.EMPTY, "no model small"),
    ],
)
def test_work_that_cannot_be_opened_is_not_the_files_fault(
    tmp_path: Path, error: Exception
) -> None:
    bench = Bench()
    for _ in range(2):
        with pytest.raises(EnvironmentProblem, match="no model small"):
            bench.do(job_in(tmp_path), Kit("run", software(), raising(error)))


def test_another_version_of_darkroom_does_no_work(tmp_path: Path) -> None:
    kit = Kit("run", software("0.0.1", "3.9.2"), raising(AssertionError("opened")))
    with pytest.raises(EnvironmentProblem, match=r"0\.0\.1 with Python 3\.9;"):
        Bench().do(job_in(tmp_path), kit)


def test_workers_leave_ctrl_c_to_the_process_that_started_them() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        dask_setup(None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
