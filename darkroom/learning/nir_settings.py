"""What a training on near-infrared pairs needs, and what nothing else may have."""

from darkroom.errors import UsageProblem
from darkroom.learning.config import TrainConfig
from darkroom.networks import FROM_NIR

FORWARD = {"input_space": "nir", "output_space": "srgb"}
REVERSE = {"input_space": "srgb", "output_space": "nir"}
COLOUR_LOSSES = frozenset({"lab-mix"})  # that a single channel has no use for
FORTH, BACK = {"inputs": 1, "outputs": 3}, {"inputs": 3, "outputs": 1}  # planes
BOTH_WAYS = frozenset({"nir-unet", "l3"})
WHOLE = frozenset({"nir-lite", "nir-unet", "triplet-unet"})  # else each tile has its own mean


def with_nir_spaces(config: TrainConfig) -> TrainConfig:
    """Return the configuration with the spaces that its direction needs; others come as they are.

    Raises:
        UsageProblem: network, pairs, spaces and loss do not go together.
    """
    model, nir = config.model, config.nir
    if model.network not in FROM_NIR:
        if nir.folders:
            raise UsageProblem(
                f"nir.folders is for {', '.join(FROM_NIR)}; model.network is {model.network}"
            )
        return config
    if not nir.folders:
        raise UsageProblem(f"{model.network} learns from near-infrared pairs; set nir.folders")
    check_network(config)
    spaces = REVERSE if nir.reverse else FORWARD
    for name in spaces.keys() & model.model_fields_set:
        if getattr(model, name) != spaces[name]:
            raise UsageProblem(f'model.{name} must be "{spaces[name]}" for these pairs')
    if nir.reverse and config.training.loss in COLOUR_LOSSES and model.network != "l3":
        raise UsageProblem(f"the loss {config.training.loss} needs colours; try l1")
    planes = BACK if nir.reverse and model.network == "nir-unet" else {}
    changes = {**spaces, "config": {**model.config, **planes}}
    return config.model_copy(update={"model": model.model_copy(update=changes)})


def check_network(config: TrainConfig) -> None:
    """Refuse a direction or a size at which a network would not work in use.

    Raises:
        UsageProblem: the network has only one direction, or sees pictures in another way.
    """
    network, side = config.model.network, config.model.working_side
    if config.nir.reverse and network not in BOTH_WAYS:
        both = ", ".join(sorted(BOTH_WAYS))
        raise UsageProblem(
            f"{network} does not learn near-infrared from colour; take one of {both}"
        )
    if network in WHOLE and not side:
        raise UsageProblem(f"{network} sees a picture whole; set model.working_side, such as 256")
    planes = (BACK if config.nir.reverse else FORTH).items()
    if network == "nir-unet" and any(config.model.config.get(k, v) != v for k, v in planes):
        raise UsageProblem("nir.reverse decides inputs and outputs; leave both out of model.config")
    if network == "l3" and side:
        raise UsageProblem("l3 sees a picture at its full size; leave model.working_side away")
