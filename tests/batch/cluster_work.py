"""Works for the workers of a cluster: what they do depends on the name of the file."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from darkroom.batch.plan import Job
from darkroom.errors import EnvironmentProblem
from darkroom.part_names import part_name

SLOW = 0.3  # seconds


@contextmanager
def prepare(log: Path) -> Iterator[Callable[[Job], None]]:
    """Prepare a work that writes its target, slowly or not at all if the source is named so."""
    note(log, "opened")
    try:
        yield work
    finally:
        note(log, "closed")


def work(job: Job) -> None:
    """Write who did it into the target, unless the name of the source says otherwise."""
    name = job.source.name
    if "deadly" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "bug" in name:
        raise ZeroDivisionError(name)
    if "endless" in name:
        job.target.with_name(part_name(job.target.name)).touch()
        time.sleep(600)
    if "slow" in name:
        time.sleep(SLOW)
    job.target.write_text(str(os.getpid()))


def missing_weights() -> object:
    """Fail as a worker without weights does."""
    raise EnvironmentProblem("no model small.safetensors")


def note(log: Path, event: str) -> None:
    """Append a line to the log of all workers."""
    with log.open("a") as lines:
        lines.write(f"{event} {os.getpid()}\n")
