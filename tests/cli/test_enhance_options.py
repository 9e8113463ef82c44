from dataclasses import asdict

import pytest

from darkroom.cli.enhance_options import EnhanceOptions, Tone, read_options, settings_of
from darkroom.enhance import Settings
from darkroom.errors import UsageProblem
from darkroom.picture.tone import TONES


def test_choices_are_those_of_the_rooms_below() -> None:
    assert {tone.value for tone in Tone} == set(TONES)


def test_only_whole_sets_of_views_are_taken() -> None:
    assert settings_of(EnhanceOptions(views="8")).views == 8
    with pytest.raises(UsageProblem, match="--views"):
        settings_of(EnhanceOptions(views="3"))


def test_options_survive_being_stored() -> None:
    options = EnhanceOptions(ratio="ev:+3", radius=7, guided_filter=True, decode_timeout=5.0)
    assert read_options(asdict(options)) == options


@pytest.mark.parametrize("stored", [None, [], {"sepia": 1}, {"ratio": 5}, {"strength": "much"}])
def test_stored_options_that_are_not_ours_are_refused(stored: object) -> None:
    with pytest.raises(UsageProblem, match="manifest"):
        read_options(stored)


def test_the_defaults_are_those_of_the_recipe() -> None:
    settings = settings_of(EnhanceOptions())
    assert settings == Settings(ratio=settings.ratio)
