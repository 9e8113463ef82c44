"""Where a run starts: random weights, weights of a file, or a smaller network that grows.

A network that has more residual blocks than the weights it starts from begins as exactly that
smaller network: what is new adds nothing until it has learned to (after Chen et al. 2016,
"Net2Net", which grows networks without changing what they compute).
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from darkroom.errors import UsageProblem
from darkroom.learning.config import ModelSection
from darkroom.networks import NETWORKS, TO_MOSAIC, Network
from darkroom.networks.fast_unet import Residual, starts_at_zero
from darkroom.zoo.find import SUFFIX, locate
from darkroom.zoo.header import read_card
from darkroom.zoo.weights import Weights, load_weights, misfits

ENCODER = frozenset(  # the way down, by module name
    {"encoder", "entry", "entry_noise", "down", "at_full", "at_half", "at_quarter"}
)
FROM_CARD = (
    "network",
    "config",
    "input_space",
    "output_space",
    "clip",
    "working_side",
    "licence",
)


def completed(model: ModelSection) -> ModelSection:
    """Fill in what the configuration leaves open from the card of the weights it starts from.

    Raises:
        EnvironmentProblem: the weights cannot be read.
        UsageProblem: the network or its arguments are unknown.
    """
    if model.init is not None:
        card = read_card(init_file(model.init))
        same = "network" not in model.model_fields_set or model.network == card.network
        left_open = set(FROM_CARD) - model.model_fields_set
        if same:  # of another network only the refusal is of interest, which comes later
            model = model.model_copy(update={name: getattr(card, name) for name in left_open})
    if model.network not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise UsageProblem(f"no network called {model.network!r}; known: {known}")
    if model.network in TO_MOSAIC:
        raise UsageProblem(
            f"{model.network} denoises planes; darkroom uses it but does not train it"
        )
    bare_network(model)
    return model


def bare_network(model: ModelSection) -> Network:
    """Return the network without memory behind its tensors.

    Raises:
        UsageProblem: it does not take these arguments.
    """
    try:
        with torch.device("meta"):
            return NETWORKS[model.network](**model.config)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageProblem(f"model.config does not fit network {model.network}: {reason}") from None


def starting_network(model: ModelSection) -> Network:
    """Return the network a run begins with, in training mode, its frozen parts without gradients.

    Raises:
        UsageProblem: the weights to start from are for another network or do not fit this one; or
            what is to be frozen does not exist, or is everything.
        EnvironmentProblem: the weights cannot be read.
    """
    network = NETWORKS[model.network](**model.config)
    if model.init is not None:
        take_over(network, load_weights(init_file(model.init)), model)
    for part, path in model.parts.items():
        take_over_part(network, part, load_weights(init_file(path)))
    freeze(network, model.freeze)
    return network.train()


def init_file(init: Path) -> Path:
    """Return the weights file that a setting means: itself, or that of a model by name."""
    return init if init.suffix == SUFFIX else locate(init.name)


def take_over(network: Network, weights: Weights, model: ModelSection) -> None:
    """Load weights into a network of the same kind that may have more residual blocks."""
    if weights.card.network != model.network:
        raise UsageProblem(
            f"model.init holds a {weights.card.network}, not a {model.network}; set model.network"
        )
    if differing := switches_that_differ(model.config, weights.card.config):
        raise UsageProblem(
            f"model.init was trained with another {differing[0]}; set it alike in model.config"
        )
    fresh = {name for name, module in network.named_modules() if is_new(name, module, weights)}
    needed = {
        name for name in network.state_dict() if not name.startswith(tuple(f"{f}." for f in fresh))
    }
    unused = weights.tensors.keys() - network.state_dict().keys()
    if missing := sorted((needed - weights.tensors.keys()) | unused):
        raise UsageProblem(f"model.init does not fit model.config: {missing[0]}")
    try:
        network.load_state_dict(weights.tensors, strict=False)
    except RuntimeError as error:
        raise UsageProblem(f"model.init does not fit model.config: {error}") from None
    for name in fresh:
        block = network.get_submodule(name)
        if isinstance(block, Residual):
            starts_at_zero(block.second)


def switches_that_differ(config: Mapping[str, object], trained: Mapping[str, object]) -> list[str]:
    """Return the yes-or-no arguments of a network, no by default, that are not as trained.

    Tensors of a network with such a switch fit the one without it, and mean something else.
    """
    names = sorted({**config, **trained})
    pairs = ((name, config.get(name, False), trained.get(name, False)) for name in names)
    return [
        name
        for name, one, other in pairs
        if isinstance(one, bool) and isinstance(other, bool) and one is not other
    ]


def is_new(name: str, module: nn.Module, weights: Weights) -> bool:
    """Whether a residual block has no weights in the file."""
    return isinstance(module, Residual) and f"{name}.first.weight" not in weights.tensors


def take_over_part(network: Network, part: str, weights: Weights) -> None:
    """Load weights of a network of its own into a part of a larger one.

    Raises:
        UsageProblem: there is no such part, or it is not what the weights are of.
    """
    parts = dict(network.named_children())
    if part not in parts:
        raise UsageProblem(f"model.parts: no part called {part!r}; known: {', '.join(parts)}")
    if misfit := misfits(weights.tensors, parts[part]):
        raise UsageProblem(f"model.parts: the weights do not fit {part}: {misfit}")
    parts[part].load_state_dict(weights.tensors)


def freeze(network: nn.Module, prefixes: tuple[str, ...]) -> None:
    """Keep the named parts as they are: their tensors get no gradients.

    Args:
        network: what learns otherwise.
        prefixes: beginnings of names of tensors, up to a dot: "encoder" or "encoder.0".

    Raises:
        UsageProblem: a name matches nothing, or nothing is left to learn.
    """
    for prefix in prefixes:
        for parameter in part_of(network, prefix, "model.freeze"):
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UsageProblem("model.freeze leaves nothing to learn; name fewer parts")


def part_of(network: nn.Module, prefix: str, setting: str) -> list[nn.Parameter]:
    """Return the tensors whose names begin so, up to a dot: "encoder" or "encoder.0".

    Raises:
        UsageProblem: there are none; `setting` is what named them.
    """
    found = [p for name, p in network.named_parameters() if f"{name}.".startswith(f"{prefix}.")]
    if not found:
        known = ", ".join(name for name, _ in network.named_children())
        raise UsageProblem(f"{setting}: no part called {prefix!r}; known: {known}")
    return found


def encoder_parts(model: ModelSection) -> tuple[str, ...]:
    """Return the parts of a network on its way down, as `model.freeze` takes them."""
    names = [name for name, _ in bare_network(completed(model)).named_modules()]
    return tuple(name for name in names if name.rpartition(".")[2] in ENCODER)
