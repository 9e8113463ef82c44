"""A network for autocast whose weights are cast once, not in every run."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn

from darkroom.networks import Network

LAYERS = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


class CastOnce:
    """Runs a network under autocast; from the second run on, with a copy in half precision.

    The first run shows which layers autocast reaches: heads in single precision keep their weights.
    The pictures are the very same, for autocast would cast these weights in the same way.

    Args:
        network: stays as it is.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._copy: Network | None = None

    def __call__(self, planes: Tensor, noise: Tensor) -> Tensor:
        """Run the network; autocast must be on."""
        if self._copy is None:
            with watching(self._network) as reached:
                picture: Tensor = self._network(planes, noise)
            self._copy = in_half_precision(self._network, reached)
            return picture
        result: Tensor = self._copy(planes, noise)
        return result


@contextmanager
def watching(network: nn.Module) -> Iterator[set[str]]:
    """Yield the names of the layers that run under autocast; complete when the block ends."""
    reached: set[str] = set()
    exact: set[str] = set()

    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            is_cast = torch.is_autocast_enabled(inputs[0].device.type)
            (reached if is_cast else exact).add(name)

        return layer.register_forward_pre_hook(note)

    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, LAYERS)]
    handles = [watch(name, layer) for name, layer in layers]
    try:
        yield reached
    finally:
        for handle in handles:
            handle.remove()
        reached -= exact


def in_half_precision(network: Network, names: set[str]) -> Network:
    """Return a copy of a network with these layers' weights in bfloat16."""
    copy = deepcopy(network)
    for name in names:
        copy.get_submodule(name).to(torch.bfloat16)
    return copy
