"""How far a run is: counted, shown to people, written to its log."""

import json
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from darkroom.learning.config import TrainingSection
from darkroom.learning.schedule import learning_rate


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: steps learned; `steps` is their number in the whole run.
        loss: mean since the last report; `losses` are its parts, where it has several.
        learning_rate: of the next step.
        seconds: spent so far, at the present speed.
        patches_per_second: learned, by all processes.
        seconds_per_step: the time of a step, with its share of validation and checkpoints.
        scores: of a validation, PSNR in dB.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    patches_per_second: float
    scores: dict[str, float] | None = None
    seconds_per_step: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)

    @property
    def seconds_left(self) -> float:
        """Expected time to the end, at the present speed."""
        return self.seconds / max(self.step, 1) * (self.steps - self.step)


class Tally:
    """Counts the steps of this sitting and gathers losses between two reports.

    Args:
        first: step at which the sitting begins.
    """

    def __init__(self, first: int) -> None:
        self.first = first
        self.started = time.monotonic()
        self.losses: dict[str, list[float]] = defaultdict(list)

    def add(self, losses: dict[str, float]) -> None:
        """Note the losses of a step: "loss" and its parts."""
        for name, value in losses.items():
            self.losses[name].append(value)

    def report(
        self, step: int, training: TrainingSection, scores: dict[str, float] | None
    ) -> Progress:
        """Say how far the run is and begin to gather anew."""
        seconds, steps = time.monotonic() - self.started, step - self.first
        means = {name: sum(values) / len(values) for name, values in self.losses.items()}
        self.losses.clear()
        return Progress(
            step=step,
            steps=training.steps,
            loss=means.pop("loss"),
            losses=means,
            learning_rate=learning_rate(step, training),
            seconds=seconds / steps * step,
            seconds_per_step=seconds / steps,
            patches_per_second=steps * training.batch / seconds,
            scores=scores,
        )


def log(progress: Progress, run: Path) -> None:
    """Append a line to the log of the run."""
    with (run / "log.jsonl").open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(progress)) + "\n")
