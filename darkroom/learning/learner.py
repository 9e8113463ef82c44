"""What changes while a run goes on: the network, its average, its optimiser and its adversary."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from darkroom.learning.adversary import Adversary
from darkroom.learning.checkpoints import read_checkpoint, restore, save_checkpoint
from darkroom.learning.config import TrainConfig
from darkroom.learning.distributed import ALONE, Team, joined
from darkroom.learning.precision import make_scaler
from darkroom.learning.start import part_of, starting_network
from darkroom.networks import Network


@dataclass
class Learner:
    """What changes while a run goes on.

    Attributes:
        network: what learns.
        joined: the same network, called where gradients are to be averaged over processes.
        average: the moving average of its weights.
        optimiser: over all weights; those that are frozen get no gradient.
        scaler: of the loss, for fp16.
        adversary: judges results, if the configuration wants one.
        step: steps learned.
        best: mean score of the best validation.
        bad: steps in a row that were left out.
    """

    network: Network
    joined: nn.Module
    average: AveragedModel
    optimiser: torch.optim.Optimizer
    scaler: GradScaler
    adversary: Adversary | None = None
    step: int = 0
    best: float = -math.inf
    bad: int = 0

    @property
    def mean(self) -> Network:
        """The moving average of the network: what is validated and shipped."""
        return cast("Network", self.average.module)


def make_learner(config: TrainConfig, team: Team = ALONE) -> Learner:
    """Put the network and its optimiser on the device, ready for the first step."""
    training = config.training
    if training.threads:
        torch.set_num_threads(training.threads)
    torch.manual_seed(training.seed)
    network = starting_network(config.model)
    network.to(training.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    mean = get_ema_multi_avg_fn(training.ema)  # type: ignore[no-untyped-call]
    wants_adversary = config.adversarial.weight > 0
    optimiser = make_optimiser(network, config)
    return Learner(
        network=network,
        joined=joined(network, team),
        average=AveragedModel(network, multi_avg_fn=mean).eval(),
        optimiser=optimiser,
        scaler=make_scaler(training),
        adversary=(
            Adversary(config.adversarial, training.device, team=team) if wants_adversary else None
        ),
    )


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Return what moves the weights: AdamW, or stochastic gradient descent with momentum."""
    training = config.training
    rate, decay = training.learning_rate, training.weight_decay
    groups = paces(network, config.model.slow)
    if training.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), weight_decay=decay, fused=True)


def paces(network: nn.Module, slow: Mapping[str, float]) -> list[dict[str, object]]:
    """Return the weights of a network in groups that learn at one `share` of the rate.

    Args:
        network: what learns.
        slow: shares by part, named as in `model.freeze`; of two that fit, the later one counts.

    Raises:
        UsageProblem: a name in `slow` matches nothing.
    """
    shares = dict.fromkeys(network.parameters(), 1.0)
    for part, share in slow.items():
        shares |= dict.fromkeys(part_of(network, part, "model.slow"), share)
    groups: dict[float, list[nn.Parameter]] = {}
    for parameter, share in shares.items():
        groups.setdefault(share, []).append(parameter)
    return [{"params": group, "share": share} for share, group in groups.items()]


def checkpoint(learner: Learner, run: Path) -> None:
    """Save the state of the run."""
    scaler = {f"scaler.{key}": value for key, value in learner.scaler.state_dict().items()}
    save_checkpoint(
        run,
        network=learner.network,
        average=learner.average,
        optimiser=learner.optimiser,
        facts={"step": learner.step, "best": learner.best, **scaler},
        extra=learner.adversary.tensors() if learner.adversary else {},
    )


def resume(learner: Learner, run: Path) -> None:
    """Continue from the newest checkpoint in the run folder, if there is one.

    Raises:
        EnvironmentProblem: there are checkpoints but none can be read.
        UsageProblem: the run had no adversary, or another one.
    """
    found = read_checkpoint(run)
    if found is None:
        return
    tensors, facts = found
    restore(tensors, network=learner.network, average=learner.average, optimiser=learner.optimiser)
    if learner.adversary:
        learner.adversary.restore(tensors)
    scaler = {k.removeprefix("scaler."): v for k, v in facts.items() if k.startswith("scaler.")}
    if scaler:
        learner.scaler.load_state_dict(scaler)
    learner.step, learner.best = int(facts["step"]), float(facts["best"])
