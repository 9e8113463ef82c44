"""Time one training step of every method: forward, loss, backward, update, on random patches.

    python benchmarks/training_speed.py [--steps N] [--batch N] [--patch N] [-o results.json]

Published widths, bfloat16, medians. The data are made beforehand: this is the network's part of a
step; making a patch takes a few milliseconds of one core beside it.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from record import write_record

from darkroom.learning.batches import Batch
from darkroom.learning.config import AdversarialSection, ModelSection, TrainConfig, TrainingSection
from darkroom.learning.learner import make_learner
from darkroom.learning.loop import advance
from darkroom.networks import FROM_MOSAIC

METHODS = {name: (name, 0.0) for name in FROM_MOSAIC} | {"unet + adversary": ("unet", 0.01)}


def seconds_per_step(network: str, adversary: float, options: argparse.Namespace) -> float:
    """Return the median time of a step."""
    config = TrainConfig(
        model=ModelSection(name="timed", network=network),
        adversarial=AdversarialSection(weight=adversary),
        training=TrainingSection(steps=100, batch=options.batch, patch=options.patch),
    )
    learner, size = make_learner(config), options.patch
    planes = torch.rand(options.batch, 4, size, size).to(memory_format=torch.channels_last)
    truth = torch.rand(options.batch, 3, 2 * size, 2 * size)
    noise, matrices = torch.full((options.batch, 8), 1e-3), torch.eye(3).repeat(options.batch, 1, 1)
    batch = Batch(planes, noise, truth, matrices)
    seconds = []
    for _ in range(options.steps + 1):
        start = time.perf_counter()
        advance(learner, batch, config)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def main() -> None:
    """Time all, print the table, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    results = {name: round(seconds_per_step(*what, options), 4) for name, what in METHODS.items()}
    print("| method | seconds a step | patches a second |\n|---|---|---|")
    for name, seconds in results.items():
        print(f"| `{name}` | {seconds:.2f} | {options.batch / seconds:.1f} |")
    if options.out:
        facts = {
            "torch": torch.__version__,
            "batch": options.batch,
            "patch": options.patch,
            "seconds per step": results,
        }
        write_record(options.out, facts)


if __name__ == "__main__":
    main()
