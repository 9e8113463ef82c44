"""The training loop: plain torch, one pass of which is `advance`."""

import math
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from darkroom.errors import StoppedEarly
from darkroom.learning.batches import Batch, Sources, batches
from darkroom.learning.config import TrainConfig
from darkroom.learning.distributed import ALONE, Team, anyone, total
from darkroom.learning.learner import Learner, checkpoint
from darkroom.learning.losses import loss_of, view_of
from darkroom.learning.precision import autocast, is_overflow
from darkroom.learning.progress import Progress, Tally, log
from darkroom.learning.schedule import learning_rate
from darkroom.learning.stopping import held_back
from darkroom.learning.validation import Examination
from darkroom.networks import Network
from darkroom.networks.vae_unet import penalty_of

BAD_STEPS = 10  # losses in a row that are not numbers end the run


def fit(
    learner: Learner,
    config: TrainConfig,
    sources: Sources,
    *,
    run: Path,
    team: Team = ALONE,
    examine: Callable[[Network], Examination],
    on_progress: Callable[[Progress], None],
    on_examined: Callable[[Learner, Examination, bool], None],
) -> None:
    """Train to the last step, saving, validating and reporting on the way.

    Args:
        learner: what learns, at the step where it left off.
        config: how.
        sources: from what.
        run: folder of checkpoints and log.
        team: the processes that learn together.
        examine: validates a network.
        on_progress: told how far the run is.
        on_examined: told of each validation, and whether it is the best so far.

    Raises:
        KeyboardInterrupt: a signal came; the step was finished and a checkpoint saved.
        StoppedEarly: the loss was not a number several times in a row.
    """
    training, tally = config.training, Tally(learner.step)
    with held_back() as signals, closing(batches(config, sources, team, learner.step)) as prepared:
        for batch in prepared:
            tally.add(advance(learner, batch.to(training.device), config, team))
            stop = anyone(bool(signals), training.device, team)
            last = learner.step == training.steps
            seen: Examination | None = None
            if team.leads and (last or (is_due(training.validate_every, learner) and not stop)):
                seen = examine(learner.mean)
                better = seen.scores["mean"] > learner.best
                learner.best = max(learner.best, seen.scores["mean"])
                on_examined(learner, seen, better)
            if team.leads and (last or stop or is_due(training.checkpoint_every, learner)):
                checkpoint(learner, run)
            if team.leads and (seen or is_due(training.log_every, learner)):
                progress = tally.report(learner.step, training, seen.scores if seen else None)
                log(progress, run)
                on_progress(progress)
            if stop:
                raise KeyboardInterrupt


def is_due(every: int, learner: Learner) -> bool:
    """Whether something that is done every so many steps is due."""
    return learner.step % every == 0


def advance(
    learner: Learner, batch: Batch, config: TrainConfig, team: Team = ALONE
) -> dict[str, float]:
    """Learn from one batch; return its loss and the parts of it, over all processes."""
    training = config.training
    torch.manual_seed(seed_of(training.seed, learner.step, team.rank))
    with autocast(training):
        result = learner.joined(batch.planes, batch.noise)
    parts = judge(learner, result.float(), batch, config)
    loss = torch.stack(list(parts.values())).sum()
    weight = len(result) * team.size / training.batch  # shares of a batch may differ by one
    losses = {"loss": loss, **(parts if len(parts) > 1 else {})}
    means = total(torch.stack(list(losses.values())).detach() * weight, team) / team.size
    told = dict(zip(losses, means.tolist(), strict=True))
    if descend(learner, loss * weight, config, finite=math.isfinite(told["loss"])):
        told |= teach(learner, result.detach().float(), batch, config)
    learner.step += 1
    return told


def seed_of(seed: int, step: int, rank: int) -> int:
    """Return what seeds torch for a step, so that a step decides its randomness as its batch."""
    return int(np.random.SeedSequence((seed, step, rank)).generate_state(1)[0])


def judge(learner: Learner, result: Tensor, batch: Batch, config: TrainConfig) -> dict[str, Tensor]:
    """Return the parts of the loss: the picture's, the network's own, the adversary's verdict."""
    compare = loss_of(config.training.loss, config.model.output_space)
    parts = {"picture": compare(result, batch.truth, batch.camera_to_srgb)}
    penalty = penalty_of(learner.network, batch.truth)
    if penalty is not None:
        parts["penalty"] = penalty
    if learner.adversary and learner.step >= config.adversarial.start:
        shown, _ = view_of(config.model.output_space)(result, batch.truth, batch.camera_to_srgb)
        with autocast(config.training):
            parts["verdict"] = config.adversarial.weight * learner.adversary.verdict(shown)
    return parts


def descend(learner: Learner, loss: Tensor, config: TrainConfig, *, finite: bool) -> bool:
    """Take a step down the loss; one that is not finite is left out. Return whether it was taken.

    Raises:
        StoppedEarly: it was left out too many times in a row.
    """
    training, optimiser, scaler = config.training, learner.optimiser, learner.scaler
    for group in optimiser.param_groups:
        group["lr"] = group["share"] * learning_rate(learner.step, training)
    optimiser.zero_grad(set_to_none=True)
    scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    scaler.unscale_(optimiser)
    length = nn.utils.clip_grad_norm_(learner.network.parameters(), training.clip_gradient)
    may_overflow = finite and is_overflow(scaler)
    finite = finite and bool(torch.isfinite(length))
    if finite:
        scaler.step(optimiser)
        learner.average.update_parameters(learner.network)
    scaler.update()
    learner.bad = 0 if finite else learner.bad + (not may_overflow)
    if learner.bad >= BAD_STEPS:
        raise StoppedEarly(
            f"the loss was not a number {BAD_STEPS} times in a row at step {learner.step}; "
            "lower training.learning_rate and resume"
        )
    return finite


def teach(learner: Learner, result: Tensor, batch: Batch, config: TrainConfig) -> dict[str, float]:
    """Let the adversary, if there is one, learn to tell truths from results; return its losses."""
    if learner.adversary is None:
        return {}
    view = view_of(config.model.output_space)
    fake, real = view(result, batch.truth, batch.camera_to_srgb)
    with autocast(config.training):
        return learner.adversary.learn(real, fake, step=learner.step, seed=config.training.seed)
