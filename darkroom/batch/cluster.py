"""Beyond one machine: hand the jobs of a batch to the workers of a dask.distributed scheduler."""

import secrets
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path

from darkroom.batch.bench import Kit, software
from darkroom.batch.outcome import Outcome, R
from darkroom.batch.plan import Job
from darkroom.batch.run import Attempts, Prepare
from darkroom.errors import EnvironmentProblem
from darkroom.publish import sweep


@contextmanager
def on_cluster(scheduler: str, prepare: Prepare[R]) -> Iterator[Attempts[R]]:
    """Yield attempts that do their jobs on a cluster.

    Each worker process opens `prepare` once and holds one job at a time, so a worker that dies
    takes one file along. That file is tried once more; the others notice nothing.

    Nothing is started or connected before there is a job.

    Args:
        scheduler: "tcp://HOST:8786" joins a running scheduler; "local:N" starts N processes on
            this machine and stops them at the end.
        prepare: a function of a module, or a `functools.partial` of one, with frozen settings.
            It runs in the working folder of its worker, which may be another than that of this
            process; jobs reach it with absolute paths.

    Raises:
        UsageProblem: `scheduler` is none of the two.
        EnvironmentProblem: dask is not installed. The attempts raise it where the scheduler cannot
            be reached, or its workers are missing, leave, or run another darkroom or Python.
    """
    try:  # dask is an extra, and slow to import
        from darkroom.batch.connection import check_address, connected, end_run  # noqa: PLC0415
        from darkroom.batch.spread import Flight, spread  # noqa: PLC0415
    except ImportError:
        advice = "pip install 'darkroom[cluster]'"
        raise EnvironmentProblem(f"--scheduler needs dask.distributed; {advice}") from None
    check_address(scheduler)
    kit = Kit(secrets.token_hex(8), software(), prepare)

    littered: set[Path] = set()

    with ExitStack() as closing:
        closing.callback(_tidy, littered)  # after the processes are gone

        def attempts(jobs: Iterator[Job]) -> Generator[Outcome[R], None, None]:
            for job in jobs:  # the first
                client = closing.enter_context(connected(scheduler))
                closing.callback(end_run, client, kit.run)
                yield from spread(chain([job], jobs), Flight(client, scheduler, littered), kit)

        yield attempts


def _tidy(folders: set[Path]) -> None:
    for folder in folders:
        sweep(folder)
