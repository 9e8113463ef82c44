import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from darkroom import train as recipe
from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.learning.checkpoints import read_checkpoint
from darkroom.learning.config import (
    AdversarialSection,
    DataSection,
    L3Section,
    ModelSection,
    NirSection,
    NoiseSection,
    PairsSection,
    TrainConfig,
    TrainingSection,
)
from darkroom.learning.distributed import Team
from darkroom.learning.nir_settings import WHOLE
from darkroom.learning.validation import CONDITIONS
from darkroom.networks import FROM_NIR
from darkroom.train import changed, load_data, settled, train
from darkroom.zoo.weights import build_network, load_weights
from tests.conftest import SMALL_NIR
from tests.learning.nir_files import write_pairs
from tests.learning.pair_files import write_scenes

SMALL = {"width": 4, "blocks": [1], "bottom": 1, "detail": 4}


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    rng = np.random.default_rng(0)
    for name in range(4):
        soft = cv2.resize(rng.uniform(0, 255, (5, 6, 3)).astype("f4"), (80, 64))
        cv2.imwrite(str(tmp_path / f"{name}.png"), soft)
    return TrainConfig(
        model=ModelSection(name="mine", network="fast-unet", config=SMALL, licence="CC0-1.0"),
        data=DataSection(photos=(tmp_path,), holdout=2),
        noise=NoiseSection(ratio=(1, 10)),
        training=TrainingSection(steps=4, batch=2, patch=16, validate_every=2, checkpoint_every=2),
    )


def run(config: TrainConfig, folder: Path, **options: object) -> Path:
    return train(config, folder, on_progress=lambda _: None, on_skipped=lambda _: None, **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _plain_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the memory of the process that runs all tests as it is."""
    monkeypatch.setattr(recipe, "keep_freed_memory", lambda: False)


def with_model(settings: TrainConfig, /, **changes: object) -> TrainConfig:
    model = ModelSection.model_validate(settings.model.model_dump(exclude_unset=True) | changes)
    return settings.model_copy(update={"model": model})


def with_training(config: TrainConfig, **changes: object) -> TrainConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


def test_gives_weights_with_a_card(config: TrainConfig, tmp_path: Path) -> None:
    weights = load_weights(run(config, tmp_path / "run"))
    card = weights.card
    assert (card.name, card.network, card.licence) == ("mine", "fast-unet", "CC0-1.0")
    assert card.recipe["training"]["steps"] == 4
    assert any("PSNR" in name for name in card.scores)
    assert str(tmp_path) not in str(card)
    assert set(card.recipe) == {"noise", "training", "steps_done"}
    build_network(weights, device="cpu")


def test_every_validation_leaves_a_strip(config: TrainConfig, tmp_path: Path) -> None:
    run(config, tmp_path / "run")
    strips = sorted(path.name for path in (tmp_path / "run").glob("validation_*.png"))
    assert strips == ["validation_0000002.png", "validation_0000004.png"]


def test_the_card_says_what_the_network_takes_and_gives(
    config: TrainConfig, tmp_path: Path
) -> None:
    spaces = {"input_space": "planes", "output_space": "srgb", "clip": True}
    unet = {"network": "unet", "config": {"width": 2, "levels": 3}}
    sid = with_model(config, **unet, **spaces, freeze=("encoder",))
    card = load_weights(run(with_training(sid, loss="l1"), tmp_path / "run")).card
    assert {name: getattr(card, name) for name in spaces} == spaces
    assert not card.noise_map
    assert card.recipe["model"] == {"freeze": ["encoder"]}


def test_a_run_is_never_overwritten_unasked(config: TrainConfig, tmp_path: Path) -> None:
    run(config, tmp_path / "run")
    with pytest.raises(UsageProblem, match="--resume"):
        run(config, tmp_path / "run")
    run(config, tmp_path / "run", continue_run=True)


def test_learns_from_real_pairs_alone(config: TrainConfig, tmp_path: Path) -> None:
    lists = (write_scenes(tmp_path / "sid", ("00001", "00002", "00003")),)
    pairs = PairsSection(lists=lists, cache=tmp_path / "cache")
    real = config.model_copy(update={"data": DataSection(), "pairs": pairs})
    card = load_weights(run(real, tmp_path / "run")).card
    assert set(card.scores) == {f"validation PSNR dB, {name}" for name in ("real pairs", "mean")}


def test_learns_from_both_kinds_of_pairs(config: TrainConfig, tmp_path: Path) -> None:
    lists = (write_scenes(tmp_path / "sid", ("00001", "00002", "00003")),)
    pairs = PairsSection(lists=lists, cache=tmp_path / "cache", share=0.5)
    both = load_data(config.model_copy(update={"pairs": pairs}), tmp_path / "run", print)
    assert {*CONDITIONS, "real pairs"} == set(both.validation)
    assert len(both.sources.real) == 2
    assert len(both.sources.photos.scenes) > 0


def test_without_anything_to_learn_from_the_settings_are_named(
    config: TrainConfig, tmp_path: Path
) -> None:
    with pytest.raises(UsageProblem, match=r"data\.photos"):
        run(config.model_copy(update={"data": DataSection()}), tmp_path / "run")


def test_starts_from_given_weights(config: TrainConfig, tmp_path: Path) -> None:
    first = run(config, tmp_path / "first")
    model = config.model.model_copy(update={"init": first})
    training = config.training.model_copy(update={"steps": 1, "learning_rate": 1e-9})
    tuned = config.model_copy(update={"model": model, "training": training})
    before, after = (load_weights(p).tensors for p in (first, run(tuned, tmp_path / "second")))
    assert all(np.allclose(before[k], after[k], atol=1e-3) for k in before)


def test_a_fine_tuning_takes_the_network_from_the_card(config: TrainConfig, tmp_path: Path) -> None:
    first = run(config, tmp_path / "first")
    bare = config.model_copy(update={"model": ModelSection(name="tuned")})
    tuned = changed(bare, init=str(first), freeze_encoder=True, steps=2)
    second = run(tuned, tmp_path / "second")
    before, after = load_weights(first), load_weights(second)
    assert (after.card.name, after.card.config) == ("tuned", before.card.config)
    assert after.card.recipe["training"]["steps"] == 2
    for name, tensor in before.tensors.items():
        if name.startswith(("encoder.", "entry.", "entry_noise.", "down.")):
            assert torch.equal(tensor, after.tensors[name])


def test_what_is_given_beside_the_configuration_counts(config: TrainConfig) -> None:
    long = with_training(config, steps=10_000, warmup=500)
    assert changed(long) == long
    assert changed(long, steps=100).training.warmup == 10
    noise = changed(long, calibrations=(Path("night.json"),)).noise
    assert (noise.cameras, noise.calibrations) == ((), (Path("night.json"),))
    frozen = changed(with_model(long, freeze=("head",)), freeze_encoder=True)
    assert frozen.model.freeze == ("head", "entry", "entry_noise", "encoder", "down")
    with pytest.raises(EnvironmentProblem, match="no model called"):
        changed(long, init="nowhere")


@pytest.mark.parametrize("section", ["network", "loss"])
def test_unknown_names_are_refused(config: TrainConfig, tmp_path: Path, section: str) -> None:
    changed = {
        "network": {"model": config.model.model_copy(update={"network": "magic"})},
        "loss": {"training": config.training.model_copy(update={"loss": "magic"})},
    }[section]
    with pytest.raises(UsageProblem, match="magic"):
        run(config.model_copy(update=changed), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "problem", "words"),
    [
        ({"precision": "fp16"}, UsageProblem, "fp16"),
        ({"device": "abacus"}, EnvironmentProblem, "abacus"),
    ],
)
def test_what_a_machine_cannot_do_is_refused(
    config: TrainConfig, tmp_path: Path, changes: dict, problem: type, words: str
) -> None:
    with pytest.raises(problem, match=words):
        run(with_training(config, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_batch_has_a_pair_for_every_process(config: TrainConfig) -> None:
    assert settled(config, Team(1, 2)).training.batch == 2
    with pytest.raises(UsageProblem, match="2 for 3 processes"):
        settled(config, Team(1, 3))


def test_curves_and_strips_reach_the_board(
    config: TrainConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    monkeypatch.setattr(recipe, "open_board", lambda folder: folder)
    monkeypatch.setattr(recipe, "show_progress", lambda _, p: seen.append(("curve", p.step)))
    monkeypatch.setattr(recipe, "show_strip", lambda _, strip, step: seen.append(("strip", step)))
    run(with_training(config, tensorboard=True), tmp_path / "run")
    assert seen == [("strip", 2), ("curve", 2), ("strip", 4), ("curve", 4)]


# What torchrun starts: several processes that learn one run.
TOGETHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SETTINGS = """
[model]
config = { width = 4, blocks = [1], bottom = 1, detail = 4 }
[data]
photos = ["0.png", "1.png", "2.png", "3.png"]
[noise]
ratio = [1, 10]
[training]
steps = 4
batch = 3
patch = 16
warmup = 1
precision = "fp32"
validate_every = 4
checkpoint_every = 4
log_every = 1
"""


def settings_file(folder: Path, **changes: object) -> Path:
    text = SETTINGS
    for name, value in changes.items():
        text = re.sub(rf"^{name} = .*", f"{name} = {value}", text, flags=re.MULTILINE)
    (folder / "night.toml").write_text(text)
    return folder / "night.toml"


def start(line: list[str], config: Path, out: str) -> "subprocess.Popen[str]":
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*line, "-m", "darkroom", "train", config.name, "-o", out],
        cwd=config.parent,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names the loopback interface of Linux")
def test_two_processes_learn_what_one_learns(config: TrainConfig, tmp_path: Path) -> None:
    path = settings_file(tmp_path)
    for line, out in (([sys.executable], "alone"), (TOGETHER, "together")):
        running = start(line, path, out)
        _, said = running.communicate(timeout=240)
        assert running.returncode == 0, said
    states = [read_checkpoint(tmp_path / out) for out in ("alone", "together")]
    alone, together = (found[0] for found in states if found)
    assert all(torch.allclose(alone[k], together[k], atol=1e-5, rtol=1e-4) for k in alone)
    logs = [
        (tmp_path / out / "log.jsonl").read_text().splitlines() for out in ("alone", "together")
    ]
    losses = [[json.loads(line)["loss"] for line in lines] for lines in logs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)  # and one line a step, not two


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names the loopback interface of Linux")
@pytest.mark.parametrize(("line", "code"), [([sys.executable], 143), (TOGETHER, None)])
def test_a_signal_ends_all_processes_with_a_checkpoint(
    config: TrainConfig, tmp_path: Path, line: list[str], code: int | None
) -> None:
    path = settings_file(tmp_path, steps=100_000, validate_every=100_000, checkpoint_every=100_000)
    running = start(line, path, "run")
    log = tmp_path / "run" / "log.jsonl"
    wait_for(lambda: log.exists() and len(log.read_text()) > 0, running)
    running.terminate()
    _, said = running.communicate(timeout=120)
    assert code in {None, running.returncode}
    assert code is None or "Traceback" not in said
    found = read_checkpoint(tmp_path / "run")
    assert found
    assert found[1]["step"] == len(log.read_text().splitlines())


def wait_for(ready: Callable[[], bool], running: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 240
    while not ready() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.05)
    assert running.poll() is None, running.communicate()[1]


def test_fine_tuned_weights_keep_the_licence_and_name_their_start(
    config: TrainConfig, tmp_path: Path
) -> None:
    first = run(config, tmp_path / "first")
    model = ModelSection(name="tuned", init=first)
    tuned = load_weights(run(config.model_copy(update={"model": model}), tmp_path / "second")).card
    assert tuned.licence == "CC0-1.0"
    assert tuned.recipe["model"]["init"].startswith(
        f"mine 1, sha256 {load_weights(first).card.sha256}"
    )


def test_resuming_where_nothing_is_says_so(config: TrainConfig, tmp_path: Path) -> None:
    told: list[str] = []
    train(
        config,
        tmp_path / "typo",
        continue_run=True,
        on_progress=lambda _: None,
        on_skipped=told.append,
    )
    assert any("no checkpoint" in sentence for sentence in told)


def test_resuming_with_another_network_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    run(config, tmp_path / "run")
    wider = with_model(config, config={**SMALL, "width": 8})
    with pytest.raises(UsageProblem, match="another network"):
        run(wider, tmp_path / "run", continue_run=True)


def test_a_file_is_no_run_folder(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageProblem, match="cannot be a folder"):
        run(config, tmp_path / "file")


def test_patches_must_fit_the_adversary(config: TrainConfig, tmp_path: Path) -> None:
    judged = config.model_copy(update={"adversarial": AdversarialSection(weight=0.1, levels=6)})
    with pytest.raises(UsageProblem, match="multiple of 32"):
        run(judged, tmp_path / "run")


def nir_config(folder: Path, network: str = "nir-unet", **nir: object) -> TrainConfig:
    section = NirSection.model_validate({"folders": (write_pairs(folder / "pairs"),), **nir})
    side = 24 if network in WHOLE else 0
    return TrainConfig(
        model=ModelSection(
            name="mine", network=network, config=SMALL_NIR[network], working_side=side
        ),
        nir=section,
        l3=L3Section(levels=2, contrasts=(0.02,)),
        training=TrainingSection(steps=2, batch=2, patch=16, loss="l2", validate_every=2),
    )


@pytest.mark.parametrize("network", FROM_NIR)
def test_every_network_for_near_infrared_learns(network: str, tmp_path: Path) -> None:
    config = nir_config(tmp_path, network)
    if network == "l3":  # its size comes from its own table
        config = with_model(config, config={})
    weights = load_weights(run(config, tmp_path / "run"))
    card = weights.card
    assert (card.task, card.input_space, card.output_space) == ("colorize", "nir", "srgb")
    assert card.scores
    assert "noise" not in card.recipe
    assert str(tmp_path) not in str(card.recipe)
    picture = build_network(weights, device="cpu")(torch.rand(1, 1, 16, 24), torch.zeros(1, 8))
    assert picture.shape == (1, 3, 16, 24)


@pytest.mark.parametrize("network", ["nir-unet", "l3"])
def test_the_way_back_is_learned(network: str, tmp_path: Path) -> None:
    card = load_weights(run(nir_config(tmp_path, network, reverse=True), tmp_path / "run")).card
    assert (card.input_space, card.output_space) == ("srgb", "nir")


def test_an_l3_is_never_overwritten_unasked(tmp_path: Path) -> None:
    config = nir_config(tmp_path, "l3")
    run(config, tmp_path / "run")
    with pytest.raises(UsageProblem, match="--resume"):
        run(config, tmp_path / "run")


def test_batch_normalisation_resumes_exactly(tmp_path: Path) -> None:
    config = nir_config(tmp_path, "nir-cnn")
    steps = {"optimiser": "sgd", "learning_rate": 0.01, "warmup": 0, "schedule": "step"}
    longer = with_training(config, steps=4, checkpoint_every=2, **steps)
    whole = load_weights(run(longer, tmp_path / "whole"))
    run(with_training(longer, steps=2), tmp_path / "parts")
    parts = load_weights(run(longer, tmp_path / "parts", continue_run=True))
    assert whole.tensors.keys() == parts.tensors.keys()
    last, other = (read_checkpoint(tmp_path / name) for name in ("whole", "parts"))
    assert last is not None
    assert other is not None
    assert all(torch.equal(last[0][key], other[0][key]) for key in last[0])
