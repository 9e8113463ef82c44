from pathlib import Path

import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.config import ModelSection, NirSection, TrainConfig, TrainingSection
from darkroom.learning.nir_settings import WHOLE, with_nir_spaces


def config(
    network: str, *, loss: str = "l1", reverse: bool = False, **model: object
) -> TrainConfig:
    side = 256 if network in WHOLE else 0
    return TrainConfig(
        model=ModelSection.model_validate({"network": network, "working_side": side, **model}),
        nir=NirSection(folders=(Path("pairs"),), reverse=reverse),
        training=TrainingSection(steps=1, loss=loss),
    )


def test_the_direction_decides_the_spaces() -> None:
    forward = with_nir_spaces(config("nir-unet")).model
    back = with_nir_spaces(config("nir-unet", reverse=True, config={"width": 8})).model
    assert (forward.input_space, forward.output_space) == ("nir", "srgb")
    assert (back.input_space, back.output_space) == ("srgb", "nir")
    assert back.config == {"width": 8, "inputs": 3, "outputs": 1}


def test_other_trainings_stay_as_they_are() -> None:
    plain = TrainConfig(training=TrainingSection(steps=1))
    assert with_nir_spaces(plain) is plain


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (config("fast-unet"), "is for nir-lite, nir-unet"),
        (config("nir-unet", input_space="planes"), 'must be "nir"'),
        (config("nir-unet", loss="lab-mix", reverse=True), "needs colours"),
        (config("nir-cnn").model_copy(update={"nir": NirSection()}), "learns from near-infrared"),
        (config("nir-cnn", reverse=True), "does not learn near-infrared from colour"),
        (config("triplet-unet", reverse=True), "does not learn near-infrared from colour"),
        (config("nir-unet", working_side=0), "set model.working_side"),
        (config("triplet-unet", working_side=0), "set model.working_side"),
        (config("nir-unet", config={"inputs": 3}), "leave both out of model.config"),
        (config("l3", working_side=256), "leave model.working_side away"),
    ],
)
def test_what_does_not_go_together_is_refused(changed: TrainConfig, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        with_nir_spaces(changed)
