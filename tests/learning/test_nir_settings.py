from pathlib import Path

import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.config import ModelSection, NirSection, TrainConfig, TrainingSection
from darkroom.learning.nir_settings import with_nir_spaces


def config(
    network: str, *, loss: str = "l1", reverse: bool = False, **model: object
) -> TrainConfig:
    return TrainConfig(
        model=ModelSection.model_validate({"network": network, **model}),
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
        (config("fast-unet"), "is for nir-unet"),
        (config("nir-unet", input_space="planes"), 'must be "nir"'),
        (config("nir-unet", loss="lab-mix", reverse=True), "needs colours"),
        (config("nir-cnn").model_copy(update={"nir": NirSection()}), "learns from near-infrared"),
    ],
)
def test_what_does_not_go_together_is_refused(changed: TrainConfig, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        with_nir_spaces(changed)
