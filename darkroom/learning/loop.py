"""The training loop: plain torch, one pass of which is `advance`."""

import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from darkroom.errors import StoppedEarly
from darkroom.learning.checkpoints import read_checkpoint, restore, save_checkpoint
from darkroom.learning.config import TrainConfig, TrainingSection
from darkroom.learning.losses import LOSSES
from darkroom.learning.scenes import Scene
from darkroom.learning.simulated_pairs import Pair, make_batch
from darkroom.learning.start import starting_network
from darkroom.learning.validation import score
from darkroom.networks import Network

AHEAD = 3  # batches prepared while the network learns
BAD_STEPS = 10  # losses in a row that are not numbers end the run
FINAL_SHARE = 0.01  # of the learning rate is left at the end

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Progress:
    """How far a run is: shown to the user and logged."""

    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    patches_per_second: float
    scores: dict[str, float] | None = None

    @property
    def seconds_left(self) -> float:
        """Expected time to the end, at the present speed."""
        return self.seconds / max(self.step, 1) * (self.steps - self.step)


@dataclass
class Learner:
    """What changes while a run goes on."""

    network: Network
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    step: int = 0
    best: float = -math.inf
    bad: int = 0

    @property
    def mean(self) -> Network:
        """The moving average of the network: what is validated and shipped."""
        return cast("Network", self.average.module)


def make_learner(config: TrainConfig) -> Learner:
    """Put the network and its optimiser on the device, ready for the first step."""
    training = config.training
    if training.threads:
        torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)
    network = starting_network(config.model)
    network.to(training.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = get_ema_multi_avg_fn(training.ema)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=mean)
    optimiser = torch.optim.AdamW(
        network.parameters(),
        lr=training.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=training.weight_decay,
        fused=True,
    )
    return Learner(network, average, optimiser)


def learning_rate(step: int, training: TrainingSection) -> float:
    """Return the rate at `step`: linear warm-up, then half a cosine.

    >>> section = TrainingSection(steps=1000, warmup=100, learning_rate=1.0)
    >>> [round(learning_rate(step, section), 3) for step in (0, 99, 550, 1000)]
    [0.01, 1.0, 0.505, 0.01]
    """
    if step < training.warmup:
        return training.learning_rate * (step + 1) / training.warmup
    done = (step - training.warmup) / max(1, training.steps - training.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return training.learning_rate * (FINAL_SHARE + (1 - FINAL_SHARE) * cosine)


def to_tensors(pairs: list[Pair], device: str) -> Batch:
    """Stack pairs into planes, noise, truth and matrices on the device."""
    arrays = (
        np.stack([pair.planes for pair in pairs]),
        np.stack([pair.noise for pair in pairs]),
        np.stack([pair.truth for pair in pairs]),
        np.stack([pair.camera_to_srgb for pair in pairs]),
    )
    planes, noise, truth, matrices = (torch.from_numpy(a).to(device) for a in arrays)
    return planes.contiguous(memory_format=torch.channels_last), noise, truth, matrices


def batches(config: TrainConfig, scenes: list[Scene], first: int) -> Iterator[list[Pair]]:
    """Yield the batches from step `first` on, made by a thread while the network learns."""
    training, data = config.training, config.data

    def make(step: int) -> list[Pair]:
        return make_batch(
            scenes,
            config.noise,
            batch=training.batch,
            size=training.patch,
            raw_share=data.raw_share,
            seed=(training.seed, step),
        )

    with ThreadPoolExecutor(1) as pool:
        waiting: list[Future[list[Pair]]] = []
        for step in range(first, training.steps):
            while len(waiting) < AHEAD and step + len(waiting) < training.steps:
                waiting.append(pool.submit(make, step + len(waiting)))
            yield waiting.pop(0).result()


def advance(learner: Learner, batch: Batch, training: TrainingSection) -> float:
    """Learn from one batch and return its loss; a step that is not finite is left out."""
    planes, noise, truth, matrices = batch
    for group in learner.optimiser.param_groups:
        group["lr"] = learning_rate(learner.step, training)
    learner.optimiser.zero_grad(set_to_none=True)
    half = training.precision == "bf16"
    with torch.autocast(training.device.split(":")[0], torch.bfloat16, enabled=half):
        result = learner.network(planes, noise)
    loss = LOSSES[training.loss](result.float(), truth, matrices)
    loss.backward()  # type: ignore[no-untyped-call]
    length = nn.utils.clip_grad_norm_(learner.network.parameters(), training.clip_gradient)
    finite = bool(torch.isfinite(loss)) and bool(torch.isfinite(length))
    learner.bad = 0 if finite else learner.bad + 1
    if learner.bad >= BAD_STEPS:
        raise StoppedEarly(
            f"the loss was not a number {BAD_STEPS} times in a row at step {learner.step}; "
            "lower training.learning_rate and resume"
        )
    if finite:
        learner.optimiser.step()
        learner.average.update_parameters(learner.network)
    learner.step += 1
    return float(loss.detach())


def resume(learner: Learner, run: Path) -> None:
    """Continue from the newest checkpoint in the run folder, if there is one."""
    found = read_checkpoint(run)
    if found is None:
        return
    tensors, facts = found
    restore(tensors, network=learner.network, average=learner.average, optimiser=learner.optimiser)
    learner.step, learner.best = int(facts["step"]), float(facts["best"])


def checkpoint(learner: Learner, run: Path) -> None:
    """Save the state of the run."""
    save_checkpoint(
        run,
        network=learner.network,
        average=learner.average,
        optimiser=learner.optimiser,
        facts={"step": learner.step, "best": learner.best},
    )


def fit(
    learner: Learner,
    config: TrainConfig,
    scenes: list[Scene],
    validation: dict[str, list[Pair]],
    *,
    run: Path,
    on_progress: Callable[[Progress], None],
    on_best: Callable[[Learner, dict[str, float]], None],
) -> None:
    """Train to the last step, saving, validating and reporting on the way."""
    training, clock = config.training, Clock(time.monotonic(), learner.step)
    losses: list[float] = []
    for pairs in batches(config, scenes, learner.step):
        losses.append(advance(learner, to_tensors(pairs, training.device), training))
        last = learner.step == training.steps
        scores = None
        if last or learner.step % training.validate_every == 0:
            scores = score(learner.mean, validation, device=training.device)
            if scores["mean"] > learner.best:
                learner.best = scores["mean"]
                on_best(learner, scores)
        if last or learner.step % training.checkpoint_every == 0:
            checkpoint(learner, run)
        if scores or learner.step % training.log_every == 0:
            progress = progress_of(learner, training, losses, clock, scores)
            log(progress, run)
            on_progress(progress)
            losses = []


@dataclass(frozen=True)
class Clock:
    """When this sitting began, and at which step."""

    started: float
    first: int


def progress_of(
    learner: Learner,
    training: TrainingSection,
    losses: list[float],
    clock: Clock,
    scores: dict[str, float] | None,
) -> Progress:
    """Say how far the run is; its seconds count earlier sittings at the present speed."""
    seconds, steps = time.monotonic() - clock.started, learner.step - clock.first
    return Progress(
        step=learner.step,
        steps=training.steps,
        loss=sum(losses) / len(losses),
        learning_rate=learning_rate(learner.step, training),
        seconds=seconds / steps * learner.step,
        patches_per_second=steps * training.batch / seconds,
        scores=scores,
    )


def log(progress: Progress, run: Path) -> None:
    """Append a line to the log of the run."""
    with (run / "log.jsonl").open("a") as lines:
        lines.write(json.dumps(progress.__dict__) + "\n")
