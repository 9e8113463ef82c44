import json
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from darkroom.errors import StoppedEarly
from darkroom.learning import loop
from darkroom.learning.batches import Batch, batches, sources_of
from darkroom.learning.checkpoints import optimiser_tensors, read_checkpoint
from darkroom.learning.config import (
    AdversarialSection,
    ModelSection,
    NoiseSection,
    TrainConfig,
    TrainingSection,
)
from darkroom.learning.distributed import ALONE
from darkroom.learning.learner import Learner, checkpoint, make_learner, resume
from darkroom.learning.progress import Progress
from darkroom.learning.scenes import Scene
from darkroom.learning.validation import examine, validation_pairs
from tests.conftest import SMALL


def config(network: str = "fast-unet", **changes: object) -> TrainConfig:
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
    return TrainConfig(
        model=ModelSection(network=network, config=SMALL[network]),
        noise=NoiseSection(ratio=(1, 20), iso=(100, 800)),
        training=TrainingSection.model_validate(facts),
    )


def with_adversary(settings: TrainConfig, **facts: object) -> TrainConfig:
    section = AdversarialSection.model_validate({"weight": 0.1, "width": 4, "levels": 2, **facts})
    return settings.model_copy(update={"adversarial": section})


def fit(settings: TrainConfig, scenes: list[Scene], run: Path) -> tuple[Learner, list[Progress]]:
    run.mkdir(exist_ok=True)
    pupil, progress = make_learner(settings), []
    resume(pupil, run)
    loop.fit(
        pupil,
        settings,
        sources_of(scenes),
        run=run,
        examine=partial(
            examine, pairs=validation_pairs(scenes, size=16), model=settings.model, device="cpu"
        ),
        on_progress=progress.append,
        on_examined=lambda *_: None,
    )
    return pupil, progress


def first_batch(settings: TrainConfig, scenes: list[Scene]) -> Batch:
    return next(batches(settings, sources_of(scenes), ALONE, 0)).to("cpu")


def state(pupil: Learner) -> list[torch.Tensor]:
    named = {**pupil.network.state_dict(), **optimiser_tensors(pupil.optimiser, pupil.network)}
    named |= {f"average.{name}": tensor for name, tensor in pupil.average.state_dict().items()}
    if pupil.adversary:
        named |= pupil.adversary.tensors()
    return [named[name].detach().clone() for name in sorted(named)]


def same(first: Learner, second: Learner) -> bool:
    return all(torch.equal(a, b) for a, b in zip(state(first), state(second), strict=True))


@pytest.mark.parametrize("case", ["fast-unet", "vae-unet", "adversary"])
def test_a_resumed_run_equals_an_uninterrupted_one(
    case: str, scenes: list[Scene], tmp_path: Path
) -> None:
    settings = with_adversary(config()) if case == "adversary" else config(case)
    whole, _ = fit(settings, scenes, tmp_path / "whole")
    pupil = make_learner(settings)
    (tmp_path / "cut").mkdir()
    stream = batches(settings, sources_of(scenes), ALONE, 0)
    for _ in range(3):
        loop.advance(pupil, next(stream).to("cpu"), settings)
    stream.close()
    checkpoint(pupil, tmp_path / "cut")
    torch.rand(5)  # what happens between two sittings does not count
    resumed, _ = fit(settings, scenes, tmp_path / "cut")
    assert same(whole, resumed)


def test_a_signal_finishes_the_step_and_saves_it(scenes: list[Scene], tmp_path: Path) -> None:
    settings = config(log_every=1, checkpoint_every=100, validate_every=2)
    whole, _ = fit(settings, scenes, tmp_path / "whole")
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.step == 3:
            signal.raise_signal(signal.SIGINT)

    (tmp_path / "cut").mkdir()
    with pytest.raises(KeyboardInterrupt):
        loop.fit(
            make_learner(settings),
            settings,
            sources_of(scenes),
            run=tmp_path / "cut",
            examine=partial(
                examine, pairs=validation_pairs(scenes, size=16), model=settings.model, device="cpu"
            ),
            on_progress=interrupt,
            on_examined=lambda *_: None,
        )
    assert [progress.step for progress in seen] == [1, 2, 3, 4]  # the fourth was under way
    assert seen[-1].scores is None  # and was not validated
    assert read_checkpoint(tmp_path / "cut")[1]["step"] == 4  # type: ignore[index]
    resumed, _ = fit(settings, scenes, tmp_path / "cut")
    assert same(whole, resumed)


def test_reports_and_logs(scenes: list[Scene], tmp_path: Path) -> None:
    _, progress = fit(config(), scenes, tmp_path / "run")
    assert [p.step for p in progress] == [2, 3, 4, 6]
    assert [p.scores is not None for p in progress] == [False, True, False, True]
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 3, 4, 6]
    assert progress[0].seconds_left > 0


def test_the_best_so_far_is_told(scenes: list[Scene], tmp_path: Path) -> None:
    from darkroom.learning.validation import Examination

    strip, told = torch.zeros(1, 1, 3).numpy().astype("u2"), []
    scores = iter([20.0, 19.0, 21.0])
    loop.fit(
        make_learner(config(validate_every=2)),
        config(validate_every=2),
        sources_of(scenes),
        run=tmp_path,
        examine=lambda _: Examination({"mean": next(scores)}, strip),
        on_progress=lambda _: None,
        on_examined=lambda pupil, seen, best: told.append((pupil.step, pupil.best, best)),
    )
    assert told == [(2, 20, True), (4, 20, False), (6, 21, True)]


@pytest.mark.slow
def test_learns_one_picture_by_heart(scenes: list[Scene], tmp_path: Path) -> None:
    settings = config(steps=200, learning_rate=1e-2, validate_every=200, log_every=20)
    _, progress = fit(settings, scenes[:1], tmp_path / "run")
    assert progress[-1].loss < 0.5 * progress[0].loss


def test_steps_that_are_not_numbers_are_left_out(scenes: list[Scene]) -> None:
    settings = with_adversary(config())
    pupil = make_learner(settings)
    before = state(pupil)
    batch = first_batch(settings, scenes)
    broken = replace(batch, truth=batch.truth * torch.nan)
    for _ in range(loop.BAD_STEPS - 1):
        loop.advance(pupil, broken, settings)
    assert all(torch.equal(a, b) for a, b in zip(before, state(pupil), strict=True))
    with pytest.raises(StoppedEarly, match="learning_rate"):
        loop.advance(pupil, broken, settings)


def test_one_good_step_forgives_the_bad_ones(scenes: list[Scene]) -> None:
    settings = config()
    pupil, good = make_learner(settings), first_batch(settings, scenes)
    broken = replace(good, truth=good.truth * torch.nan)
    for _ in range(loop.BAD_STEPS - 1):
        loop.advance(pupil, broken, settings)
    loop.advance(pupil, good, settings)
    assert pupil.bad == 0


def test_the_loss_has_the_parts_that_are_asked_for(scenes: list[Scene]) -> None:
    plain, tone = config(), config("vae-unet")
    judged = with_adversary(config("vae-unet"), start=1)
    assert set(loop.advance(make_learner(plain), first_batch(plain, scenes), plain)) == {"loss"}
    told = loop.advance(make_learner(tone), first_batch(tone, scenes), tone)
    assert set(told) == {"loss", "picture", "penalty"}
    assert told["loss"] == pytest.approx(told["picture"] + told["penalty"])
    pupil, batch = make_learner(judged), first_batch(judged, scenes)
    early, later = (loop.advance(pupil, batch, judged) for _ in range(2))
    assert "verdict" not in early
    assert {"verdict", "penalty", "adversary_global"} <= set(later)
    assert {name for name in early if name.startswith("adversary")}  # it learns from the start


def test_what_is_frozen_stays(scenes: list[Scene]) -> None:
    settings = config(weight_decay=0.1)
    model = settings.model.model_copy(update={"freeze": ("encoder", "entry")})
    pupil = make_learner(settings.model_copy(update={"model": model}))
    before = {name: value.clone() for name, value in pupil.network.state_dict().items()}
    loop.advance(pupil, first_batch(settings, scenes), settings)
    for name, value in pupil.network.state_dict().items():
        if name.startswith(("encoder.", "entry.")):
            assert torch.equal(value, before[name])
            assert torch.equal(pupil.mean.state_dict()[name], before[name])
    assert not torch.equal(pupil.network.head.weight, before["head.weight"])


def test_a_network_may_answer_in_srgb(scenes: list[Scene]) -> None:
    settings = config("unet", loss="l1")
    sid = {"input_space": "planes", "output_space": "srgb", "clip": True}
    settings = settings.model_copy(update={"model": settings.model.model_copy(update=sid)})
    pupil, batch = make_learner(settings), first_batch(settings, scenes)
    assert 0 <= batch.planes.min() <= batch.planes.max() <= 1
    first = loop.advance(pupil, batch, settings)["loss"]
    with torch.no_grad():
        result = make_learner(settings).network(batch.planes, batch.noise)
    truth = loop.view_of("srgb")(result, batch.truth, batch.camera_to_srgb)[1]
    assert first == pytest.approx(float((result - truth).abs().mean()), rel=1e-5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["fp16", "bf16", "fp32"])
def test_learns_on_a_gpu(precision: str, scenes: list[Scene], tmp_path: Path) -> None:
    settings = with_adversary(config("vae-unet", device="cuda", precision=precision))
    pupil = make_learner(settings)
    for _ in range(3):
        batch = first_batch(settings, scenes).to("cuda")
        assert torch.isfinite(torch.tensor(loop.advance(pupil, batch, settings)["loss"]))
    checkpoint(pupil, tmp_path)
    resume(make_learner(settings), tmp_path)
