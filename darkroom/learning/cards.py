"""The card of weights that were trained: what they are and how they were made."""

from darkroom.learning.config import TrainConfig
from darkroom.learning.start import init_file
from darkroom.networks import FROM_NIR, Network
from darkroom.networks.fast_unet import FastUNet
from darkroom.zoo.card import Card
from darkroom.zoo.header import read_card

TOLD = {"noise", "pairs", "nir", "l3", "adversarial", "training"}  # tables of the configuration


def card_of(config: TrainConfig, network: Network, scores: dict[str, float], step: int) -> Card:
    """Describe the weights as they are now."""
    model = config.model
    return Card(
        name=model.name,
        version=model.version,
        task="colorize" if model.network in FROM_NIR else "enhance",
        network=model.network,
        config=model.config,
        input_space=model.input_space,
        output_space=model.output_space,
        noise_map=isinstance(network, FastUNet),
        clip=model.clip,
        halo=network.halo,
        multiple_of=network.multiple_of,
        working_side=model.working_side,
        data=model.data,
        licence=model.licence,
        recipe={**recipe_of(config), "steps_done": step},
        scores={f"validation PSNR dB, {name}": value for name, value in scores.items()},
    )


def recipe_of(config: TrainConfig) -> dict[str, object]:
    """Return how the weights were made, without paths of this machine."""
    settings = config.model_dump(mode="json", include=TOLD)
    pairs, noise = settings["pairs"], settings["noise"]
    noise["calibrations"] = [path.name for path in config.noise.calibrations]
    used = bool(config.pairs.lists or config.pairs.folders)
    settings["pairs"] = {k: pairs[k] for k in ("most_ratio", "holdout", "share")} if used else {}
    paces = {"freeze": config.model.freeze, "slow": config.model.slow}
    settings["model"] = {name: parts for name, parts in paces.items() if parts}
    if config.model.init is not None:
        card = read_card(init_file(config.model.init))
        settings["model"]["init"] = f"{card.name} {card.version}, sha256 {card.sha256}"
    if not config.adversarial.weight:
        settings["adversarial"] = {}
    if config.model.network in FROM_NIR:
        settings["noise"], settings["nir"]["folders"] = {}, []
    else:
        settings["nir"] = {}
    if config.model.network == "l3":
        settings["training"] = {}
    else:
        settings["l3"] = {}
    return {name: table for name, table in settings.items() if table}
