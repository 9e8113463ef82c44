"""What a worker process of a cluster keeps from one file to the next: the loaded model."""

import platform
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic

from darkroom import __version__
from darkroom.batch.outcome import Outcome, R, attempt
from darkroom.batch.plan import Job
from darkroom.batch.run import Prepare
from darkroom.errors import EnvironmentProblem, FileProblem

MOMENT = 0.1  # seconds in which a job that has ended lets go of the bench


@dataclass(frozen=True)
class Kit(Generic[R]):
    """What a worker needs for every job of a run.

    Attributes:
        run: tells this run from others.
        software: what the run was started with, as `software` tells it.
        prepare: opens the work; it and its results travel between processes.
    """

    run: str
    software: str
    prepare: Prepare[R]


def software(darkroom: str = __version__, python: str = platform.python_version()) -> str:
    """Name what must be the same on every machine of a cluster.

    >>> software("0.1.0", "3.12.1")
    'darkroom 0.1.0 with Python 3.12'
    """
    return f"darkroom {darkroom} with Python {'.'.join(python.split('.')[:2])}"


class Bench:
    """Room for one prepared work, used by one job at a time.

    A worker process may have several threads. They take turns: a model of their own for each
    would multiply the memory, and one network keeps all cores busy by itself.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._closing = ExitStack()
        self._run = ""
        self._ended = ""
        self._work: Callable[[Job], Any] | None = None

    def do(self, job: Job, kit: Kit[R]) -> Outcome[R]:
        """Do a job, with the work that is prepared for its run.

        Raises:
            DarkroomError: an error that is not the file's.
        """
        with self._turn:
            try:
                return attempt(job, self._prepared(kit))
            finally:
                self._clear_ended()

    def end(self, run: str) -> None:
        """Close the work of a run: now, or as soon as the job that uses it is done."""
        self._ended = run
        if self._turn.acquire(timeout=MOMENT):
            try:
                self._clear_ended()
            finally:
                self._turn.release()

    def _prepared(self, kit: Kit[R]) -> Callable[[Job], R]:
        if self._work is None or kit.run != self._run:
            self._clear()  # an earlier run that was killed has left its model behind
            _refuse_other_software(kit.software)
            self._work = self._open(kit.prepare)
            self._run = kit.run
        return self._work

    def _open(self, prepare: Prepare[R]) -> Callable[[Job], R]:
        try:
            return self._closing.enter_context(prepare())
        except (OSError, FileProblem) as error:
            what = f"a worker on {socket.gethostname()} cannot start: {error}"
            raise EnvironmentProblem(what) from None

    def _clear_ended(self) -> None:
        if self._run == self._ended:
            self._clear()

    def _clear(self) -> None:
        self._work, self._run = None, ""
        self._closing.close()


def _refuse_other_software(wanted: str) -> None:
    if software() != wanted:
        here = f"{socket.gethostname()} has {software()}"
        raise EnvironmentProblem(f"a worker on {here}, this run {wanted}; install the same")


BENCH = Bench()  # of this process


def do(job: Job, kit: Kit[R]) -> Outcome[R]:
    """Do a job on the bench of this process."""
    return BENCH.do(job, kit)


def end(run: str) -> None:
    """Clear the bench of this process."""
    BENCH.end(run)


def dask_setup(_worker: object) -> None:
    """Leave Ctrl-C to the process that started this worker; dask calls this when it starts one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
