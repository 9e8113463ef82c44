import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import dask.config
import psutil
import pytest
from distributed import LocalCluster

from darkroom.batch import connection
from darkroom.batch.cluster import on_cluster
from darkroom.batch.outcome import Outcome
from darkroom.batch.plan import Job
from darkroom.batch.run import run_jobs
from darkroom.errors import EnvironmentProblem, FailureCode, UsageProblem
from tests.batch.cluster_work import missing_weights, prepare

pytestmark = pytest.mark.slow

PATIENCE = 10  # seconds

DRIVER = """
import sys
from functools import partial
from pathlib import Path
from darkroom.batch.cluster import on_cluster
from darkroom.batch.plan import Job
from tests.batch.cluster_work import prepare

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    jobs = [Job(folder / name, folder / "out", folder, Path(name)) for name in ["endless"]]
    with on_cluster("local:1", partial(prepare, folder / "log")) as attempts:
        list(attempts(iter(jobs)))
"""


def jobs_in(folder: Path, names: Iterable[str]) -> list[Job]:
    return [Job(folder / name, folder / f"{name}.tif", folder, Path(name)) for name in names]


def events(folder: Path) -> list[tuple[str, int]]:
    """What the workers noted, and their process numbers."""
    lines = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
    return [(event, int(pid)) for event, pid in map(str.split, lines)]


def wait_for(met: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process does something; one that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def by_name(outcomes: Iterable[Outcome[None]]) -> dict[str, Outcome[None]]:
    return {outcome.source.name: outcome for outcome in outcomes}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files, which must be empty at the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def test_a_file_that_kills_its_workers_fails_alone(
    tmp_path: Path, folders: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    jobs = jobs_in(tmp_path, [*"01234", "deadly", *"6789", "bug", "11"])
    environment = dict(os.environ)
    with on_cluster("local:2", partial(prepare, tmp_path / "log")) as attempts:
        outcomes = by_name(run_jobs(jobs, attempts))
    deadly, bug = outcomes.pop("deadly"), outcomes.pop("bug")
    assert (deadly.status, deadly.code) == ("failed", FailureCode.INTERNAL)
    assert "died twice" in deadly.message
    assert "ZeroDivisionError" in bug.trace
    assert [outcome.status for outcome in outcomes.values()] == ["ok"] * 10
    assert all(job.target.exists() for job in jobs if job.source.name in outcomes)
    opened = [pid for event, pid in events(tmp_path) if event == "opened"]
    assert 2 <= len(opened) <= 4  # two at first, and at most one more for each death
    assert len(opened) == len(set(opened))
    assert not any(map(is_running, opened))
    assert os.environ == environment
    assert capfd.readouterr() == ("", "")


def test_a_worker_killed_from_outside_costs_no_file(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, [f"slow{n}" for n in range(12)])
    with on_cluster("local:2", partial(prepare, tmp_path / "log")) as attempts:
        running = run_jobs(jobs, attempts)
        outcomes = [next(running)]
        victim = events(tmp_path)[0][1]
        os.kill(victim, signal.SIGKILL)
        outcomes += running
    assert [outcome.status for outcome in outcomes] == ["ok"] * 12
    assert len(by_name(outcomes)) == 12
    closed = [pid for event, pid in events(tmp_path) if event == "closed"]
    assert closed
    assert victim not in closed


def test_a_worker_that_cannot_load_the_model_ends_the_run(tmp_path: Path) -> None:
    outcomes = []
    with (
        on_cluster("local:1", missing_weights) as attempts,
        pytest.raises(EnvironmentProblem, match=r"^no model small\.safetensors$"),
    ):
        outcomes.extend(run_jobs(jobs_in(tmp_path, "012"), attempts))
    assert not list(tmp_path.glob("*.tif"))


def test_closing_early_leaves_no_process_and_no_file(tmp_path: Path, folders: Path) -> None:
    jobs = jobs_in(tmp_path, ["quick", "endless", *"23456789"])
    with on_cluster("local:2", partial(prepare, tmp_path / "log")) as attempts:
        outcomes = attempts(iter(jobs))
        assert next(outcomes).status == "ok"
        wait_for(lambda: bool(list(tmp_path.glob(".*.part"))))
        outcomes.close()
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE
    assert not any(is_running(pid) for _, pid in events(tmp_path))
    assert not list(tmp_path.glob(".*.part"))
    assert len(list(tmp_path.glob("*.tif"))) <= 2


def test_workers_die_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, script, tmp_path], env=environment) as driver:
        wait_for(lambda: bool(events(tmp_path)))
        driver.kill()
    ((_, worker),) = events(tmp_path)
    wait_for(lambda: not is_running(worker))


def test_a_running_scheduler_is_joined_and_left_as_it_was(tmp_path: Path) -> None:
    with (
        dask.config.set({"temporary-directory": str(tmp_path / "dask")}),
        LocalCluster(
            n_workers=1, threads_per_worker=2, memory_limit=0, dashboard_address=None
        ) as cluster,
    ):
        plugins = set(cluster.scheduler.plugins)
        for names in (["deadly", *"123"], "4567"):
            with on_cluster(
                cluster.scheduler_address, partial(prepare, tmp_path / "log")
            ) as attempts:
                outcomes = by_name(run_jobs(jobs_in(tmp_path, names), attempts))
            assert {outcome.status for outcome in outcomes.values()} <= {"ok", "failed"}
            assert [name for name in outcomes if outcomes[name].status == "failed"] == [
                name for name in names if name == "deadly"
            ]
        wait_for(lambda: set(cluster.scheduler.plugins) == plugins)
        assert not cluster.scheduler.tasks
    assert [event for event, _ in events(tmp_path)].count("closed") == 2


def test_a_scheduler_without_workers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "JOIN_SECONDS", 0.2)
    with (
        dask.config.set({"temporary-directory": str(tmp_path)}),
        LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        on_cluster(cluster.scheduler_address, missing_weights) as attempts,
        pytest.raises(EnvironmentProblem, match=r"has had no workers.*dask worker tcp://127"),
    ):
        list(attempts(iter(jobs_in(tmp_path, "1"))))


def test_nobody_is_asked_where_there_is_nothing_to_do() -> None:
    with on_cluster("tcp://127.0.0.1:1", missing_weights) as attempts:
        assert list(attempts(iter([]))) == []


def test_a_wrong_address_is_told_at_once() -> None:
    with pytest.raises(UsageProblem, match="--scheduler local:0"), on_cluster("local:0", prepare):
        pass


def test_dask_is_asked_for_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "darkroom.batch.connection", None)
    with (
        pytest.raises(EnvironmentProblem, match=r"pip install 'darkroom\[cluster\]'"),
        on_cluster("local:1", missing_weights),
    ):
        pass
