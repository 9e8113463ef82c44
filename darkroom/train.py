"""Recipe: clean pictures, or real pairs of exposures or of near-infrared and colour -> weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from darkroom.errors import UsageProblem
from darkroom.inference.engine import choose_device
from darkroom.learning.allocation import keep_freed_memory
from darkroom.learning.batches import Sources, sources_of
from darkroom.learning.cards import card_of
from darkroom.learning.checkpoints import has_checkpoint
from darkroom.learning.config import TrainConfig
from darkroom.learning.distributed import Team, own_device, teamed
from darkroom.learning.l3_training import learn_l3
from darkroom.learning.learner import Learner, make_learner, resume
from darkroom.learning.loop import fit
from darkroom.learning.losses import LOSSES
from darkroom.learning.nir_pairs import nir_validation_pairs
from darkroom.learning.nir_scenes import load_nir_scenes, stored_side
from darkroom.learning.nir_settings import with_nir_spaces
from darkroom.learning.precision import check_precision
from darkroom.learning.progress import Progress
from darkroom.learning.real_pairs import load_pairs
from darkroom.learning.scenes import load_scenes
from darkroom.learning.simulated_pairs import Pair
from darkroom.learning.start import completed, encoder_parts
from darkroom.learning.tensorboard import open_board, show_progress, show_strip
from darkroom.learning.validation import (
    Examination,
    examine,
    real_validation_pairs,
    split,
    validation_pairs,
)
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.publish import publish, sweep
from darkroom.zoo.find import SUFFIX, locate
from darkroom.zoo.weights import save_weights

WARMUP_SHARE = 10  # of a run whose length is given beside the configuration: a tenth at most

OnProgress = Callable[[Progress], None]
OnExamined = Callable[[Learner, Examination, bool], None]


@dataclass(frozen=True)
class Data:
    """What a run learns from, and what it is validated with."""

    sources: Sources
    validation: dict[str, list[Pair]]


def train(
    config: TrainConfig,
    run: Path,
    *,
    continue_run: bool = False,
    on_progress: OnProgress,
    on_skipped: Callable[[str], None],
) -> Path:
    """Train a network and return the file of its best weights.

    Started by `torchrun`, it is one of several processes that learn together.

    Args:
        config: what to train, on what, how long.
        run: folder for checkpoints, log, validation strips and weights.
        continue_run: go on from the checkpoint in `run` instead of refusing to touch it.
        on_progress: called every `training.log_every` steps and after each validation.
        on_skipped: called with a sentence for each picture that cannot be used.

    Raises:
        UsageProblem: the configuration names unknown things, or `run` holds another run.
        EnvironmentProblem: device, weights to start from or TensorBoard are missing or unusable.
        StoppedEarly: the loss was not a number several times in a row.
        KeyboardInterrupt: a signal came; the step was finished and a checkpoint saved.
    """
    with teamed(choose_device(config.training.device)) as team:
        config = settled(config, team)
        prepare(config, run, continue_run, team, on_skipped)
        if config.model.network == "l3":
            return train_l3(config, run, on_skipped)
        tell, keep = recording(config, run, on_progress) if team.leads else (ignore, ignore)
        data = load_data(config, run, on_skipped if team.leads else ignore)
        learner = make_learner(config, team)
        resume(learner, run)
        fit(
            learner,
            config,
            data.sources,
            run=run,
            team=team,
            examine=lambda network: examine(
                network, data.validation, config.model, device=config.training.device
            ),
            on_progress=tell,
            on_examined=keep,
        )
    return weights_file(config, run)


def train_l3(config: TrainConfig, run: Path, on_skipped: Callable[[str], None]) -> Path:
    """Learn the table of an L3 in one pass and return its file.

    Raises:
        UsageProblem: there is nothing to learn from.
    """
    network, scores = learn_l3(config, on_skipped)
    model = config.model.model_copy(update={"config": network.config})
    card = card_of(config.model_copy(update={"model": model}), network, scores, step=0)
    save_weights(weights_file(config, run), card, network)
    return weights_file(config, run)


def changed(
    config: TrainConfig,
    *,
    init: str | None = None,
    freeze_encoder: bool = False,
    steps: int | None = None,
    calibrations: tuple[Path, ...] = (),
) -> TrainConfig:
    """Return a configuration with some settings changed for this run.

    Args:
        config: as its file says.
        init: name or file of the weights to start from.
        freeze_encoder: keep the way down of the network as it is.
        steps: length of the run; its warm-up takes a tenth at most.
        calibrations: calibration files of the cameras to simulate, in place of all others.

    Raises:
        EnvironmentProblem: there are no such weights.
    """
    model, noise, training = config.model, config.noise, config.training
    if init is not None:
        model = model.model_copy(update={"init": locate(init)})
    if freeze_encoder:
        model = model.model_copy(update={"freeze": (*model.freeze, *encoder_parts(model))})
    if steps is not None:
        warmup = min(training.warmup, steps // WARMUP_SHARE)
        training = training.model_copy(update={"steps": steps, "warmup": warmup})
    if calibrations:
        noise = noise.model_copy(update={"cameras": (), "calibrations": calibrations})
    return config.model_copy(update={"model": model, "noise": noise, "training": training})


def settled(config: TrainConfig, team: Team) -> TrainConfig:
    """Return the configuration with nothing left open, for this process.

    Raises:
        UsageProblem: it asks for something unknown or impossible.
        EnvironmentProblem: the device or the weights to start from are missing.
    """
    training = config.training
    if training.loss not in LOSSES:
        raise UsageProblem(f"no loss called {training.loss!r}; known: {', '.join(LOSSES)}")
    if training.batch < team.size:
        raise UsageProblem(
            f"training.batch is {training.batch} for {team.size} processes; each needs a pair"
        )
    if config.adversarial.weight and 2 * training.patch % 2**config.adversarial.levels:
        raise UsageProblem(
            f"training.patch must be a multiple of {2**config.adversarial.levels // 2} for an"
            f" adversary of {config.adversarial.levels} levels"
        )
    device = own_device(choose_device(training.device), team)
    training = training.model_copy(update={"device": device})
    check_precision(training)
    changes = {"training": training, "model": completed(config.model)}
    return with_nir_spaces(config.model_copy(update=changes))


def prepare(
    config: TrainConfig, run: Path, continue_run: bool, team: Team, tell: Callable[[str], None]
) -> None:
    """Make the folder of the run and the process fit for it."""
    if continue_run and not has_checkpoint(run) and team.leads:
        tell(f"{run} holds no checkpoint: the training starts from the beginning")
    if (has_checkpoint(run) or weights_file(config, run).exists()) and not continue_run:
        raise UsageProblem(f"{run} holds a run already; add --resume or choose another folder")
    if team.leads:
        try:
            run.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageProblem(f"{run} cannot be a folder: {error.strerror}") from None
        sweep(run)  # what a killed run left behind
    if config.training.device == "cpu":
        keep_freed_memory()


def load_data(config: TrainConfig, run: Path, on_skipped: Callable[[str], None]) -> Data:
    """Load clean pictures and real pairs, and cut the patches to validate with.

    Raises:
        UsageProblem: there is nothing to learn from.
    """
    if config.nir.folders:
        return nir_data(config, on_skipped)
    patch, wanted = config.training.patch, config.data
    real = load_pairs(config.pairs, run, smallest=2 * patch, on_skipped=on_skipped)
    if not (wanted.photos or wanted.raw) and real.training:
        held_out = real_validation_pairs(real.held_out or real.training, size=patch)
        return Data(sources_of([], real.training), held_out)
    scenes, skipped = load_scenes(wanted.photos, wanted.raw, smallest=2 * patch)
    for sentence in skipped:
        on_skipped(sentence)
    clean, held_out_clean = split(scenes, wanted.holdout)
    validation = validation_pairs(held_out_clean, size=patch)
    validation |= real_validation_pairs(real.held_out, size=patch)
    return Data(sources_of(clean, real.training), validation)


def nir_data(config: TrainConfig, on_skipped: Callable[[str], None]) -> Data:
    """Load pairs of near-infrared and colour, and cut the patches to validate with."""
    side, size = config.model.working_side, config.training.patch
    scenes, skipped = load_nir_scenes(config.nir, config.data, stored_side(side))
    for sentence in skipped:
        on_skipped(sentence)
    validation = nir_validation_pairs(scenes.held_out, config.nir, size=size, side=side)
    return Data(replace(sources_of([]), nir=scenes), validation)


def recording(
    config: TrainConfig, run: Path, on_progress: OnProgress
) -> tuple[OnProgress, OnExamined]:
    """Return what tells of progress and what keeps strips and the best weights."""
    board = open_board(run) if config.training.tensorboard else None

    def tell(progress: Progress) -> None:
        on_progress(progress)
        if board:
            show_progress(board, progress)

    def keep(learner: Learner, seen: Examination, best: bool) -> None:
        if best:
            card = card_of(config, learner.mean, seen.scores, learner.step)
            save_weights(weights_file(config, run), card, learner.mean)
        strip = run / f"validation_{learner.step:07d}.png"
        publish(strip, lambda file: write_png(file, seen.strip, PictureMetadata()), overwrite=True)
        if board:
            show_strip(board, seen.strip, learner.step)

    return tell, keep


def ignore(*_: object) -> None:
    """Say and keep nothing: what processes do that do not lead."""


def weights_file(config: TrainConfig, run: Path) -> Path:
    """Return the file of the best weights."""
    return run / f"{config.model.name}{SUFFIX}"
