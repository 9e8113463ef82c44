"""The work on a file in three steps, so that several files can be in work at once."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from darkroom.batch.outcome import R
from darkroom.batch.plan import Job

Frame = TypeVar("Frame")
Made = TypeVar("Made")

MOST_THREADS = 4  # that read, and that write, beside a GPU


@dataclass(frozen=True)
class Steps(Generic[Frame, Made, R]):
    """What is done to a file; called with a job, does one step after the other.

    Attributes:
        readers: each reads a file, and serves one thread at a time.
        compute: makes of what was read what is to be written; one file at a time.
        write: publishes it and reports; `writers` threads may do so at once.
        writers: how many.
        abandon: makes readers give up what they are at, for good; called by any thread.
    """

    readers: Sequence[Callable[[Job], Frame]]
    compute: Callable[[Frame], Made]
    write: Callable[[Made], R]
    writers: int = 1
    abandon: Callable[[], None] = lambda: None

    def __call__(self, job: Job) -> R:
        """Do everything for one job."""
        return self.write(self.compute(self.readers[0](job)))


def threads_beside(device: str) -> int:
    """Return how many threads should read, and how many should write, beside a network.

    On a CPU, the network needs the cores itself.

    >>> threads_beside("cpu")
    1
    """
    return min(MOST_THREADS, os.cpu_count() or 1) if device.startswith("cuda") else 1
