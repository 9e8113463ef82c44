from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.config import (
    DataSection,
    ModelSection,
    NoiseSection,
    TrainConfig,
    TrainingSection,
)
from darkroom.train import train
from darkroom.zoo.weights import build_network, load_weights

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


def test_gives_weights_with_a_card(config: TrainConfig, tmp_path: Path) -> None:
    weights = load_weights(run(config, tmp_path / "run"))
    card = weights.card
    assert (card.name, card.network, card.licence) == ("mine", "fast-unet", "CC0-1.0")
    assert card.recipe["training"]["steps"] == 4
    assert any("PSNR" in name for name in card.scores)
    assert str(tmp_path) not in str(card)
    build_network(weights, device="cpu")
    assert list((tmp_path / "run").glob("validation_*.png"))


def test_a_run_is_never_overwritten_unasked(config: TrainConfig, tmp_path: Path) -> None:
    run(config, tmp_path / "run")
    with pytest.raises(UsageProblem, match="--resume"):
        run(config, tmp_path / "run")
    run(config, tmp_path / "run", continue_run=True)


def test_starts_from_given_weights(config: TrainConfig, tmp_path: Path) -> None:
    first = run(config, tmp_path / "first")
    model = config.model.model_copy(update={"init": first})
    training = config.training.model_copy(update={"steps": 1, "learning_rate": 1e-9})
    tuned = config.model_copy(update={"model": model, "training": training})
    before, after = (load_weights(p).tensors for p in (first, run(tuned, tmp_path / "second")))
    assert all(np.allclose(before[k], after[k], atol=1e-3) for k in before)


@pytest.mark.parametrize("section", ["network", "loss"])
def test_unknown_names_are_refused(config: TrainConfig, tmp_path: Path, section: str) -> None:
    changed = {
        "network": {"model": config.model.model_copy(update={"network": "magic"})},
        "loss": {"training": config.training.model_copy(update={"loss": "magic"})},
    }[section]
    with pytest.raises(UsageProblem, match="magic"):
        run(config.model_copy(update=changed), tmp_path / "run")
    assert not (tmp_path / "run").exists()
