"""Keep the workers of a cluster busy: one job with each, the next when one comes back."""

from __future__ import annotations  # older dask knows no Future[...]

import queue
import secrets
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from distributed import CancelledError, Client, Future, KilledWorker

from darkroom.batch.bench import Kit, do
from darkroom.batch.connection import JOIN_SECONDS, lost_connection_named, no_workers
from darkroom.batch.outcome import Outcome, R, look_at
from darkroom.batch.plan import Job
from darkroom.errors import FailureCode

LIVES = 2  # a file that is held by this many dying workers has failed
LOOK_SECONDS = 1  # how often the workers are counted while nothing else happens


@dataclass(frozen=True)
class Turn:
    """A job on its way, and how many workers have died while they held it."""

    job: Job
    deaths: int = 0


@dataclass
class Flight:
    """The jobs that are with workers now, and those that come back from dead ones.

    Attributes:
        client: sends them.
        scheduler: its address as the user gave it.
        littered: folders in which workers that died may have left files in the making.
        held: what is with a worker, one job for each at most.
        landed: what has come back and was not looked at.
        again: what is to be tried once more.
        last_staffed: when there were workers, on the monotonic clock.
    """

    client: Client
    scheduler: str
    littered: set[Path]
    held: dict[Future[Any], Turn] = field(default_factory=dict)
    landed: queue.SimpleQueue[Future[Any]] = field(default_factory=queue.SimpleQueue)
    again: deque[Turn] = field(default_factory=deque)
    last_staffed: float = field(default_factory=time.monotonic)

    def room(self) -> int:
        """Count the workers that hold no job.

        Raises:
            EnvironmentProblem: there have been no workers at all for too long.
        """
        workers = len(self.client.nthreads())
        if workers:
            self.last_staffed = time.monotonic()
        elif time.monotonic() - self.last_staffed > JOIN_SECONDS:
            raise no_workers(self.scheduler)
        return workers - len(self.held)

    def start(self, turn: Turn, kit: Kit[R]) -> None:
        """Send a job off, with absolute paths: workers may sit in other folders."""
        job = turn.job
        source, target, root = (path.absolute() for path in (job.source, job.target, job.root))
        job = replace(job, source=source, target=target, root=root)
        key = f"darkroom-{secrets.token_hex(8)}"
        future = self.client.submit(do, job, kit, key=key, pure=False)
        self.held[future] = turn
        future.add_done_callback(self.landed.put)

    def next_landed(self) -> tuple[Turn, Future[Any]] | None:
        """Wait a moment for a job to come back."""
        try:
            future = self.landed.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None
        return self.held.pop(future), future

    def cancel(self) -> None:
        """Drop the jobs that no worker has begun, and the results of the others."""
        self.littered.update(turn.job.target.parent for turn in self.held.values())
        with suppress(OSError, CancelledError):
            self.client.cancel(list(self.held), force=True)


def spread(jobs: Iterator[Job], flight: Flight, kit: Kit[R]) -> Generator[Outcome[R], None, None]:
    """Do jobs on a cluster; yield their outcomes as they come.

    Raises:
        DarkroomError: an error that is not a file's; a lost connection too.
    """
    with lost_connection_named(flight.scheduler):
        try:
            while True:
                room = flight.room()
                for turn in islice(_turns(flight.again, jobs), max(0, room)):
                    flight.start(turn, kit)
                if room > 0 and not flight.held:
                    return
                landed = flight.next_landed()
                outcome = _outcome_of(*landed, flight) if landed else None
                if outcome:
                    yield outcome
        finally:
            flight.cancel()


def _turns(again: deque[Turn], jobs: Iterator[Job]) -> Iterator[Turn]:
    while again:
        yield again.popleft()
    yield from map(Turn, jobs)


def _outcome_of(turn: Turn, future: Future[Any], flight: Flight) -> Outcome[Any] | None:
    """Return what became of a job; None lets it be tried again.

    Raises:
        DarkroomError: an error that is not the file's.
    """
    try:
        outcome: Outcome[Any] = future.result(timeout=JOIN_SECONDS)
    except (KilledWorker, TimeoutError):  # the second: it died before it could hand over the result
        turn = replace(turn, deaths=turn.deaths + 1)
        flight.littered.add(turn.job.target.parent)
        if turn.deaths == LIVES:
            return _died_twice(turn.job)
        flight.again.append(turn)
        return None
    if turn.deaths and outcome.code is FailureCode.COLLISION:
        hint = "the worker that died with this file may have written it; run the command again"
        outcome = replace(outcome, message=f"{outcome.message}; {hint}")
    return replace(outcome, job=turn.job)


def _died_twice(job: Job) -> Outcome[Any]:
    message = (
        "the worker process died twice while it held this file; it may need more memory than"
        " the machine has: try a smaller --tile or --max-memory"
    )
    return Outcome(job, "failed", FailureCode.INTERNAL, message, seen=look_at(job.source))
