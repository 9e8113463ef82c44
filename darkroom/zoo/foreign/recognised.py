"""A network of somebody else, under the names it has here."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

Tensors = Mapping[str, Tensor]
Config = dict[str, bool | int | list[int]]


@dataclass(frozen=True)
class Recognised:
    """What a checkpoint turned out to be.

    Attributes:
        layout: whose names its tensors had.
        network: name in `networks.NETWORKS`; `config` are its arguments.
        tensors: by the names of that network.
        facts: what else its card has to say.
    """

    layout: str
    network: str
    config: Config
    tensors: dict[str, Tensor] = field(repr=False)
    facts: dict[str, str | bool]
