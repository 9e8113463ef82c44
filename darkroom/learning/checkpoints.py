"""Checkpoints: everything a run needs to go on, without pickle, the previous one kept.

A checkpoint is one safetensors file: weights, their moving average and the optimiser's moments as
tensors, the counters as JSON in its header. Once the new one is complete on the disk, the last good
one is renamed to `previous` and the new one gets its name, so that a kill at any moment leaves at
least one that loads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.publish import publish

LAST, PREVIOUS = "last.safetensors", "previous.safetensors"
Facts = dict[str, float | int | str]
NOTHING: Mapping[str, Tensor] = MappingProxyType({})


def optimiser_tensors(optimiser: Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """Return the optimiser's state as flat tensors, by the place of a weight in the network."""
    places = places_of(optimiser, network)
    return {
        f"optimiser.{places[index]}.{key}": value
        for index, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def places_of(optimiser: Optimizer, network: nn.Module) -> list[int]:
    """Return where in the network each weight of the optimiser is: its groups have an order too."""
    places = {id(parameter): place for place, parameter in enumerate(network.parameters())}
    return [places[id(p)] for group in optimiser.param_groups for p in group["params"]]


def save_checkpoint(
    run: Path,
    *,
    network: nn.Module,
    average: nn.Module,
    optimiser: Optimizer,
    facts: Facts,
    extra: Mapping[str, Tensor] = NOTHING,
) -> None:
    """Write the state of a run into its folder; `extra` are tensors that come with their names."""
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    tensors |= {**optimiser_tensors(optimiser, network), **extra}
    # A copy of each: safetensors wants dense memory in plain order, networks may be channels-last.
    dense = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    blob = safetensors.torch.save(dense, metadata={"facts": json.dumps(facts, sort_keys=True)})
    publish(
        run / LAST,
        lambda file: file.write(blob),
        overwrite=True,
        before_naming=lambda _: keep_last(run),
    )


def keep_last(run: Path) -> None:
    """Rename the last checkpoint to the previous one, unless it is damaged and that one is not."""
    if load(run / LAST) is not None:
        (run / LAST).replace(run / PREVIOUS)


def has_checkpoint(run: Path) -> bool:
    """Whether the folder holds a checkpoint, be it a damaged one."""
    return any((run / name).exists() for name in (LAST, PREVIOUS))


def read_checkpoint(run: Path) -> tuple[dict[str, Tensor], Facts] | None:
    """Read the newest checkpoint that is whole; None if the run has none.

    Raises:
        EnvironmentProblem: there are checkpoints but none can be read.
    """
    for name in (LAST, PREVIOUS):
        if (found := load(run / name)) is not None:
            return found
    if has_checkpoint(run):
        raise EnvironmentProblem(f"no checkpoint in {run} can be read; start again elsewhere")
    return None


def load(path: Path) -> tuple[dict[str, Tensor], Facts] | None:
    """Read a checkpoint; None if there is none or it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            return {key: file.get_tensor(key) for key in file.keys()}, facts  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError):
        return None


def part_of(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors below `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def restore(
    tensors: dict[str, Tensor], *, network: nn.Module, average: nn.Module, optimiser: Optimizer
) -> None:
    """Put a checkpoint's tensors back where they came from.

    Raises:
        UsageProblem: they are another network's.
    """
    try:
        network.load_state_dict(part_of(tensors, "network."))
        average.load_state_dict(part_of(tensors, "average."))
    except RuntimeError:
        raise UsageProblem(
            "the checkpoint is of another network: resume with the run's own model.network and"
            " model.config, or start a new run (model.init takes the weights)"
        ) from None
    restore_optimiser(optimiser, network, part_of(tensors, "optimiser."))


def restore_optimiser(optimiser: Optimizer, network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put moments back that `optimiser_tensors` named; `tensors` are without the prefix."""
    parameters, places = list(network.parameters()), places_of(optimiser, network)
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        place, key = name.split(".")
        moment = laid_out_like(parameters[int(place)], value)
        state.setdefault(places.index(int(place)), {})[key] = moment
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """Return a moment in the memory order of its parameter.

    A fused optimiser walks both in memory order: a channels-last weight beside moments in plain
    order would be updated with the moments of other elements.
    """
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, requires_grad=False).copy_(value)
