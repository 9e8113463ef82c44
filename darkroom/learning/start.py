"""Where a run starts: random weights, weights of a file, or a smaller network that grows.

A network that has more residual blocks than the weights it starts from begins as exactly that
smaller network: what is new adds nothing until it has learned to (after Chen et al. 2016,
"Net2Net", which grows networks without changing what they compute).
"""

from torch import nn

from darkroom.errors import UsageProblem
from darkroom.learning.config import ModelSection
from darkroom.networks import NETWORKS, Network
from darkroom.networks.fast_unet import Residual, starts_at_zero
from darkroom.zoo.weights import Weights, load_weights


def starting_network(model: ModelSection) -> Network:
    """Return the network a run begins with, in training mode.

    Raises:
        UsageProblem: the weights to start from are for another network, or do not fit this one.
        EnvironmentProblem: the weights cannot be read.
    """
    network = NETWORKS[model.network](**model.config)
    if model.init is not None:
        take_over(network, load_weights(model.init), model.network)
    return network.train()


def take_over(network: Network, weights: Weights, kind: str) -> None:
    """Load weights into a network of the same kind that may have more residual blocks."""
    if weights.card.network != kind:
        raise UsageProblem(
            f"model.init holds a {weights.card.network}, not a {kind}; set model.network"
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


def is_new(name: str, module: nn.Module, weights: Weights) -> bool:
    """Whether a residual block has no weights in the file."""
    return isinstance(module, Residual) and f"{name}.first.weight" not in weights.tensors
