"""The learning rate over a run: a warm-up, then a schedule by name."""

import math
from collections.abc import Callable

from darkroom.learning.config import TrainingSection

FINAL_SHARE = 0.01  # of the learning rate is left at the end of a cosine

Schedule = Callable[[int, TrainingSection], float]


def cosine(step: int, training: TrainingSection) -> float:
    """Fall along half a cosine to a hundredth (Loshchilov & Hutter 2017, without restarts)."""
    done = (step - training.warmup) / max(1, training.steps - training.warmup)
    wave = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return FINAL_SHARE + (1 - FINAL_SHARE) * wave


def stairs(step: int, training: TrainingSection) -> float:
    """Fall by the factor `gamma` after every `step_every` steps, as torch's StepLR does."""
    return float(training.gamma ** (step // training.step_every))


SCHEDULES: dict[str, Schedule] = {"cosine": cosine, "step": stairs}


def learning_rate(step: int, training: TrainingSection) -> float:
    """Return the rate at `step`: it rises evenly over the warm-up, then follows the schedule.

    >>> section = TrainingSection(steps=1000, warmup=100, learning_rate=1.0)
    >>> [round(learning_rate(step, section), 3) for step in (0, 99, 550, 1000)]
    [0.01, 1.0, 0.505, 0.01]
    """
    if step < training.warmup:
        return training.learning_rate * (step + 1) / training.warmup
    return training.learning_rate * SCHEDULES[training.schedule](step, training)
