import json
from pathlib import Path

import pytest
import torch

from darkroom.errors import StoppedEarly
from darkroom.learning import loop
from darkroom.learning.config import ModelSection, NoiseSection, TrainConfig, TrainingSection
from darkroom.learning.scenes import Scene
from darkroom.learning.validation import validation_pairs


def config(**changes: object) -> TrainConfig:
    facts = {
        "steps": 6,
        "batch": 2,
        "patch": 16,
        "warmup": 2,
        "ema": 0.5,
        "precision": "fp32",
        "validate_every": 3,
        "checkpoint_every": 2,
        "log_every": 2,
        **changes,
    }
    noise = NoiseSection(ratio=(1, 20), iso=(100, 800))
    model = ModelSection(config={"width": 4, "blocks": [1], "bottom": 1, "detail": 4})
    return TrainConfig(model=model, noise=noise, training=TrainingSection.model_validate(facts))


def learner(settings: TrainConfig) -> loop.Learner:
    return loop.make_learner(settings)


def fit(settings: TrainConfig, scenes: list[Scene], run: Path) -> tuple[loop.Learner, list]:
    run.mkdir(exist_ok=True)
    pupil, progress = learner(settings), []
    loop.resume(pupil, run)
    loop.fit(
        pupil,
        settings,
        scenes,
        validation_pairs(scenes, size=16),
        run=run,
        on_progress=progress.append,
        on_best=lambda *_: None,
    )
    return pupil, progress


def weights(pupil: loop.Learner) -> torch.Tensor:
    return torch.cat([tensor.flatten() for tensor in pupil.average.parameters()])


def test_a_resumed_run_equals_an_uninterrupted_one(scenes: list[Scene], tmp_path: Path) -> None:
    whole, _ = fit(config(), scenes, tmp_path / "whole")
    interrupted = config(checkpoint_every=1)
    pupil = learner(interrupted)
    (tmp_path / "cut").mkdir()
    batches = loop.batches(interrupted, scenes, 0)
    for _ in range(3):
        batch = loop.to_tensors(next(batches), "cpu")
        loop.advance(pupil, batch, interrupted.training)
    loop.checkpoint(pupil, tmp_path / "cut")
    resumed, _ = fit(interrupted, scenes, tmp_path / "cut")
    assert torch.equal(weights(whole), weights(resumed))


def test_reports_and_logs(scenes: list[Scene], tmp_path: Path) -> None:
    _, progress = fit(config(), scenes, tmp_path / "run")
    assert [p.step for p in progress] == [2, 3, 4, 6]
    assert [p.scores is not None for p in progress] == [False, True, False, True]
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 3, 4, 6]
    assert progress[0].seconds_left > 0


@pytest.mark.slow
def test_learns_one_picture_by_heart(scenes: list[Scene], tmp_path: Path) -> None:
    settings = config(steps=200, learning_rate=1e-2, validate_every=200, log_every=20)
    _, progress = fit(settings, scenes[:1], tmp_path / "run")
    assert progress[-1].loss < 0.5 * progress[0].loss


def test_steps_that_are_not_numbers_are_left_out(scenes: list[Scene]) -> None:
    settings = config()
    pupil = learner(settings)
    before = weights(pupil).clone()
    planes, noise, truth, matrices = loop.to_tensors(next(loop.batches(settings, scenes, 0)), "cpu")
    broken = (planes, noise, truth * torch.nan, matrices)
    for _ in range(loop.BAD_STEPS - 1):
        loop.advance(pupil, broken, settings.training)
    assert torch.equal(weights(pupil), before)
    with pytest.raises(StoppedEarly, match="learning_rate"):
        loop.advance(pupil, broken, settings.training)


def test_one_good_step_forgives_the_bad_ones(scenes: list[Scene]) -> None:
    settings = config()
    pupil = learner(settings)
    good = loop.to_tensors(next(loop.batches(settings, scenes, 0)), "cpu")
    broken = (good[0], good[1], good[2] * torch.nan, good[3])
    for _ in range(loop.BAD_STEPS - 1):
        loop.advance(pupil, broken, settings.training)
    loop.advance(pupil, good, settings.training)
    assert pupil.bad == 0
