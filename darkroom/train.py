"""Recipe: clean pictures -> dark, noisy ones -> weights."""

from collections.abc import Callable
from pathlib import Path

from darkroom.errors import UsageProblem
from darkroom.learning.checkpoints import has_checkpoint
from darkroom.learning.config import TrainConfig
from darkroom.learning.loop import Learner, Progress, fit, make_learner, resume
from darkroom.learning.losses import LOSSES
from darkroom.learning.scenes import load_scenes
from darkroom.learning.validation import picture_strip, split, validation_pairs
from darkroom.networks import NETWORKS, Network
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.publish import publish, sweep
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights


def train(
    config: TrainConfig,
    run: Path,
    *,
    continue_run: bool = False,
    on_progress: Callable[[Progress], None],
    on_skipped: Callable[[str], None],
) -> Path:
    """Train a network on simulated dark frames and return the file of its best weights.

    Args:
        config: what to train, on what, how long.
        run: folder for checkpoints, log, validation strips and weights.
        continue_run: go on from the checkpoint in `run` instead of refusing to touch it.
        on_progress: called every `training.log_every` steps and after each validation.
        on_skipped: called with a sentence for each picture that cannot be used.

    Raises:
        UsageProblem: the configuration names unknown things, or `run` holds another run.
        StoppedEarly: the loss was not a number several times in a row.
    """
    prepare(config, run, continue_run)
    scenes, skipped = load_scenes(
        config.data.photos, config.data.raw, smallest=2 * config.training.patch
    )
    for sentence in skipped:
        on_skipped(sentence)
    training_scenes, held_out = split(scenes, config.data.holdout)
    validation = validation_pairs(held_out, size=config.training.patch)
    learner = make_learner(config)
    resume(learner, run)
    weights = run / f"{config.model.name}.safetensors"

    def keep_best(learner: Learner, scores: dict[str, float]) -> None:
        network = learner.mean
        save_weights(weights, card_of(config, network, scores, learner.step), network)
        strip = picture_strip(network, validation, device=config.training.device)
        strip_file = run / f"validation_{learner.step:07d}.png"
        publish(strip_file, lambda file: write_png(file, strip, PictureMetadata()), overwrite=True)

    fit(
        learner,
        config,
        training_scenes,
        validation,
        run=run,
        on_progress=on_progress,
        on_best=keep_best,
    )
    return weights


def prepare(config: TrainConfig, run: Path, continue_run: bool) -> None:
    """Check names and folder."""
    for kind, name, known in (
        ("network", config.model.network, NETWORKS),
        ("loss", config.training.loss, LOSSES),
    ):
        if name not in known:
            raise UsageProblem(f"no {kind} called {name!r}; known: {', '.join(known)}")
    if has_checkpoint(run) and not continue_run:
        raise UsageProblem(f"{run} holds a run already; add --resume or choose another folder")
    run.mkdir(parents=True, exist_ok=True)
    sweep(run)  # what a killed run left behind


def card_of(config: TrainConfig, network: Network, scores: dict[str, float], step: int) -> Card:
    """Describe the weights as they are now."""
    recipe = config.model_dump(mode="json", include={"noise", "training"})
    return Card(
        name=config.model.name,
        version=config.model.version,
        network=config.model.network,
        config=config.model.config,
        halo=network.halo,
        multiple_of=network.multiple_of,
        data=config.model.data,
        licence=config.model.licence,
        recipe={**recipe, "steps_done": step},
        scores={f"validation PSNR dB, {name}": value for name, value in scores.items()},
    )
