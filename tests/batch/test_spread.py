from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import pytest
from distributed import KilledWorker

from darkroom.batch import spread as spreading
from darkroom.batch.bench import Kit, software
from darkroom.batch.outcome import Outcome
from darkroom.batch.plan import Job
from darkroom.batch.spread import Flight, spread
from darkroom.errors import EnvironmentProblem, FailureCode

KIT: Kit[None] = Kit("run", software(), lambda: pytest.fail("opened here"))


class FakeClient:
    """A cluster whose workers do what `fates` says for a file, in order, and nothing after it."""

    def __init__(self, workers: int, fates: dict[str, list[str]] | None = None) -> None:
        self.workers = workers
        self.fates = fates or {}
        self.sent: list[Job] = []
        self.cancelled: list[Any] = []

    def nthreads(self) -> dict[int, int]:
        return dict.fromkeys(range(self.workers), 4)

    def submit(self, _do: object, job: Job, _kit: object, **_options: object) -> Future[Any]:
        self.sent.append(job)
        fates = self.fates.get(job.source.name, [])
        future: Future[Any] = Future()
        fate = fates.pop(0) if fates else "ok"
        if fate == "dies":
            future.set_exception(KilledWorker("task", None, 0))
        elif fate == "lost":
            future.set_exception(CancelledError())
        elif fate == "environment":
            future.set_exception(EnvironmentProblem("no weights"))
        elif fate == "collision":
            code = FailureCode.COLLISION
            future.set_result(Outcome(job, "failed", code, "the file exists"))
        elif fate == "ok":
            future.set_result(Outcome(job, "ok"))
        return future

    def cancel(self, futures: list[Any], *, force: bool) -> None:
        self.cancelled += futures


def jobs_of(count: int) -> list[Job]:
    names = [Path(f"{n}.ARW") for n in range(count)]
    return [Job(name, name.with_suffix(".tif"), Path(), name) for name in names]


def outcomes_of(client: FakeClient, jobs: list[Job]) -> list[Outcome[None]]:
    return list(spread(iter(jobs), Flight(client, "tcp://here:1", set()), KIT))


def test_every_job_is_done_once_and_keeps_the_names_it_was_given() -> None:
    client, jobs = FakeClient(workers=3), jobs_of(10)
    outcomes = outcomes_of(client, jobs)
    assert sorted(outcome.source for outcome in outcomes) == [job.source for job in jobs]
    assert {outcome.status for outcome in outcomes} == {"ok"}
    assert len(client.sent) == 10


def test_workers_get_absolute_paths() -> None:
    client = FakeClient(workers=1)
    outcomes_of(client, jobs_of(1))
    assert client.sent[0].source == Path("0.ARW").absolute()
    assert client.sent[0].target == Path("0.tif").absolute()
    assert client.sent[0].root == Path().absolute()
    assert client.sent[0].below == Path("0.ARW")


def test_jobs_are_pulled_only_when_a_worker_is_free() -> None:
    pulled = []

    def jobs() -> Iterator[Job]:
        for job in jobs_of(100):
            pulled.append(job)
            yield job

    outcomes = spread(jobs(), Flight(FakeClient(workers=3), "tcp://here:1", set()), KIT)
    assert pulled == []
    for done in range(1, 20):
        next(outcomes)
        assert len(pulled) <= done + 2


def test_a_file_whose_worker_dies_is_tried_once_more() -> None:
    client = FakeClient(workers=2, fates={"1.ARW": ["dies"]})
    outcomes = outcomes_of(client, jobs_of(4))
    assert [outcome.status for outcome in outcomes] == ["ok"] * 4
    assert len(client.sent) == 5


def test_a_file_whose_workers_die_twice_has_failed_alone() -> None:
    client = FakeClient(workers=2, fates={"1.ARW": ["dies", "dies"]})
    outcomes = {outcome.source.name: outcome for outcome in outcomes_of(client, jobs_of(4))}
    bad = outcomes.pop("1.ARW")
    assert (bad.status, bad.code) == ("failed", FailureCode.INTERNAL)
    assert "died twice" in bad.message
    assert {outcome.status for outcome in outcomes.values()} == {"ok"}


def test_an_output_that_a_dying_worker_may_have_written_is_explained() -> None:
    client = FakeClient(workers=1, fates={"0.ARW": ["dies", "collision"], "1.ARW": ["collision"]})
    messages = {outcome.source.name: outcome.message for outcome in outcomes_of(client, jobs_of(2))}
    assert messages["1.ARW"] == "the file exists"
    assert messages["0.ARW"] == (
        "the file exists; the worker that died with this file may have written it;"
        " run the command again"
    )


def test_a_worker_that_cannot_work_stops_all() -> None:
    client = FakeClient(workers=2, fates={"0.ARW": ["environment"], "1.ARW": ["never"]})
    with pytest.raises(EnvironmentProblem, match="no weights"):
        outcomes_of(client, jobs_of(9))
    assert len(client.sent) == 2
    assert len(client.cancelled) == 1


def test_a_lost_scheduler_is_named() -> None:
    client = FakeClient(workers=1, fates={"0.ARW": ["lost"]})
    with pytest.raises(EnvironmentProblem, match="tcp://here:1 is lost"):
        outcomes_of(client, jobs_of(1))


def test_closing_early_cancels_what_is_on_its_way() -> None:
    fates = {f"{n}.ARW": ["never"] for n in range(1, 9)}
    client = FakeClient(workers=3, fates=fates)
    outcomes = spread(iter(jobs_of(9)), Flight(client, "tcp://here:1", set()), KIT)
    next(outcomes)
    outcomes.close()
    assert len(client.cancelled) == 2


def test_a_cluster_that_stays_empty_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "JOIN_SECONDS", 0.02)
    monkeypatch.setattr(spreading, "LOOK_SECONDS", 0.01)
    client = FakeClient(workers=0)
    with pytest.raises(EnvironmentProblem, match="had no workers"):
        outcomes_of(client, jobs_of(2))
    assert client.sent == []


def test_a_worker_that_joins_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreading, "LOOK_SECONDS", 0.01)
    client = FakeClient(workers=0)
    counts = iter([0, 0])
    monkeypatch.setattr(client, "nthreads", lambda: dict.fromkeys(range(next(counts, 1))))
    assert len(outcomes_of(client, jobs_of(3))) == 3


def test_folders_are_remembered_where_a_file_may_have_been_in_the_making() -> None:
    names = [Path("good/0.ARW"), Path("dead/1.ARW"), Path("dropped/2.ARW")]
    jobs = [Job(name, name.with_suffix(".tif"), Path(), name) for name in names]
    client = FakeClient(workers=3, fates={"1.ARW": ["dies", "ok"], "2.ARW": ["never"]})
    littered: set[Path] = set()
    outcomes = spread(iter(jobs), Flight(client, "tcp://here:1", littered), KIT)
    assert {next(outcomes).source.name for _ in range(2)} == {"0.ARW", "1.ARW"}
    outcomes.close()
    assert littered == {Path("dead"), Path("dropped")}
