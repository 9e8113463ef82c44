"""How long the stages of a file take, and in which of them it failed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from darkroom.errors import FileProblem


class Stopwatch:
    """Seconds spent in each named stage; those of a stage inside another count for itself only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = 0.0  # seconds of the stages inside the present one

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a `with` block; a FileProblem raised in it learns the name of the stage."""
        started, before, self._within = time.perf_counter(), self._within, 0.0
        try:
            yield
        except FileProblem as problem:
            problem.stage = problem.stage or stage
            raise
        took = time.perf_counter() - started
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + took - self._within, 4)
        self._within = before + took
