"""How long the stages of a file take, and in which of them it failed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from darkroom.errors import FileProblem


class Stopwatch:
    """Seconds spent in each named stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a `with` block; a FileProblem raised in it learns the name of the stage."""
        started = time.perf_counter()
        try:
            yield
        except FileProblem as problem:
            problem.stage = stage
            raise
        self.seconds[stage] = round(time.perf_counter() - started, 4)
