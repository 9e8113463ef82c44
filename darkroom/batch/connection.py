"""Connect to a dask scheduler that runs, or to one that is started here, and look it over."""

import asyncio
import logging
import os
import pkgutil
import platform
import re
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import Any

import dask.config
from distributed import Client, LocalCluster, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from darkroom import __version__
from darkroom.batch.bench import end, software
from darkroom.errors import EnvironmentProblem, UsageProblem

CONNECT_SECONDS = 10
JOIN_SECONDS = 60  # without any worker
CLOSE_SECONDS = 5
END_SECONDS = 1  # for a worker of our own that still works on a file nobody waits for
LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
REMOTE, LOCAL = re.compile(r"tcp://[^/\s]+:\d+"), re.compile(r"local:0*([1-9]\d*)")


def check_address(scheduler: str) -> None:
    """Refuse what is no address of a scheduler.

    Raises:
        UsageProblem: `scheduler` is neither "tcp://HOST:8786" nor "local:N".
    """
    if not REMOTE.fullmatch(scheduler) and not LOCAL.fullmatch(scheduler):
        raise UsageProblem(f"--scheduler {scheduler}: give tcp://HOST:8786 or local:N")


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """Yield a client of a scheduler that has workers, all with the software of this process.

    Args:
        scheduler: "tcp://HOST:8786" or "local:N".

    Raises:
        EnvironmentProblem: the scheduler or its workers cannot be used.
    """
    for name in LOGGERS:  # what matters becomes an outcome or an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with _address_of(scheduler) as address, _client_of(address) as client:
        with lost_connection_named(scheduler):
            _wait_for_workers(client, scheduler)
            _refuse_other_software(client)
            client.run_on_scheduler(report_deaths_at_once, client.id)
        yield client


@contextmanager
def lost_connection_named(scheduler: str) -> Iterator[None]:
    """Turn what dask raises without its scheduler into an EnvironmentProblem."""
    try:
        yield
    except (OSError, CancelledError):
        raise EnvironmentProblem(f"the connection to the scheduler {scheduler} is lost") from None


def no_workers(scheduler: str) -> EnvironmentProblem:
    """Return the error of a cluster without workers."""
    by_hand = f"start some with `dask worker {scheduler} --nthreads 1`"
    advice = "is there memory left?" if LOCAL.fullmatch(scheduler) else by_hand
    return EnvironmentProblem(f"{scheduler} has had no workers for {JOIN_SECONDS} s; {advice}")


def end_run(client: Client, run: str) -> None:
    """Let the workers close what they prepared for a run."""
    with suppress(OSError, CancelledError):
        client.run(end, run, on_error="ignore")


@contextmanager
def _address_of(scheduler: str) -> Iterator[str]:
    here = LOCAL.fullmatch(scheduler)
    if here:
        with _own_cluster(int(here[1])) as cluster:
            yield cluster.scheduler_address
    else:
        yield scheduler


@contextmanager
def _own_cluster(count: int) -> Iterator[LocalCluster]:
    """Start `count` worker processes, which end with this one however it ends."""
    threads = str(max(1, (os.cpu_count() or 1) // count))  # dask would say 1
    settings = {
        "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREADS, threads),
        "distributed.worker.profile.enabled": False,
        "logging": dict.fromkeys(LOGGERS, "critical"),
    }
    with (
        tempfile.TemporaryDirectory(prefix="darkroom-", ignore_cleanup_errors=True) as folder,
        _environment_kept(),
        dask.config.set({**settings, "temporary-directory": folder}),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=0,  # darkroom plans its memory; dask would kill workers for using it
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            preload=["darkroom.batch.bench"],
        ) as cluster,
    ):
        try:
            yield cluster
        finally:
            cluster.sync(_end_workers, cluster)


async def _end_workers(cluster: LocalCluster) -> None:
    """End the processes sooner than dask would, whatever they are doing."""
    ends = (nanny.close(timeout=END_SECONDS) for nanny in cluster.workers.values())
    await asyncio.gather(*ends, return_exceptions=True)


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what dask writes into the environment of this process, for its workers to inherit."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _client_of(address: str) -> Iterator[Client]:
    try:
        with warnings.catch_warnings(action="ignore"):  # of versions; we have words for them
            client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"--scheduler {address}: no dask scheduler answers ({error});"
            " start one there with `dask scheduler`"
        ) from None
    try:
        yield client
    finally:
        client.close(CLOSE_SECONDS)


def _wait_for_workers(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=JOIN_SECONDS)
    except TimeoutError:
        raise no_workers(scheduler) from None


def _refuse_other_software(client: Client) -> None:
    """Compare versions by functions of Python itself: other machines might not have darkroom.

    Raises:
        EnvironmentProblem: the scheduler or a worker has another version, or none.
    """
    try:
        there = client.run_on_scheduler(pkgutil.resolve_name, "darkroom:__version__")
    except ImportError:
        there = None
    if there != __version__:
        has = f"darkroom {there}" if there else "no darkroom"
        raise EnvironmentProblem(
            f"the scheduler has {has}, this machine {__version__}; install the same everywhere"
        )
    darkrooms = client.run(pkgutil.resolve_name, "darkroom:__version__", on_error="return")
    pythons = client.run(platform.python_version, on_error="return")
    for worker in darkrooms.keys() & pythons.keys():
        darkroom, python = darkrooms[worker], pythons[worker]
        if isinstance(darkroom, ImportError):
            raise EnvironmentProblem(f"the worker {worker} has no darkroom; install it there")
        if isinstance(darkroom, str) and software(darkroom, python) != software():
            raise EnvironmentProblem(
                f"the worker {worker} has {software(darkroom, python)},"
                f" this machine {software()}; install the same everywhere"
            )


def report_deaths_at_once(run: str, dask_scheduler: Scheduler) -> None:
    """Make a scheduler give back a task whose worker died, instead of trying four workers.

    Args:
        run: the id of the client for whose tasks this holds, until it leaves.
        dask_scheduler: given by dask, which runs this in the scheduler's process.
    """
    name = f"darkroom-{run}"

    class DeathsAtOnce(SchedulerPlugin):
        def update_graph(self, scheduler: Scheduler, *, client: str, **more: Any) -> None:
            for key in more["keys"] if client == run else ():
                scheduler.tasks[key].suspicious = scheduler.allowed_failures

        def remove_client(self, scheduler: Scheduler, client: str) -> None:
            if client == run:
                scheduler.remove_plugin(name)

    dask_scheduler.add_plugin(DeathsAtOnce(), name=name)
