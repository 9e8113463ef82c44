"""A recognised network as a model of ours: its card, and its weights checked against it."""

from dataclasses import replace
from typing import Any

import torch

from darkroom.errors import EnvironmentProblem
from darkroom.networks import Network
from darkroom.zoo.card import Card
from darkroom.zoo.foreign.recognised import Recognised
from darkroom.zoo.weights import Weights, build_network, empty_network

LARGEST = float(torch.finfo(torch.float16).max)  # weights files hold half precision


def as_model(
    found: Recognised, name: str, *, licence: str, recipe: dict[str, object]
) -> tuple[Card, Network]:
    """Return the card, without its digest, and the network with its weights, on the CPU.

    Args:
        found: the network.
        name: what to call the model.
        licence: terms of the weights.
        recipe: where they come from.

    Raises:
        EnvironmentProblem: tensors are missing, have wrong shapes, or values beyond half precision.
    """
    try:
        facts: dict[str, Any] = {"network": found.network, "config": found.config, **found.facts}
        bare = Card(name=name, licence=licence, recipe=recipe, halo=0, multiple_of=1, **facts)
    except ValueError:
        raise EnvironmentProblem(
            f"it is a {found.network} beyond all measure: {found.config}"
        ) from None
    for tensor_name, tensor in found.tensors.items():
        if not tensor.numel() or not bool((tensor.abs() <= LARGEST).all()):  # nan is not either
            raise EnvironmentProblem(
                f"{tensor_name} holds nothing, or values that are too large for half precision or"
                " no numbers"
            )
    empty = empty_network(bare)
    card = replace(bare, halo=empty.halo, multiple_of=empty.multiple_of)
    return card, build_network(Weights(card, found.tensors), device="cpu")
