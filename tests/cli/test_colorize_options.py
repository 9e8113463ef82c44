from dataclasses import asdict

import pytest

from darkroom.cli.colorize_options import (
    Channel,
    ColorizeOptions,
    parse_channel,
    parse_share,
    read_options,
    settings_of,
)
from darkroom.colorize import Settings
from darkroom.errors import UsageProblem
from darkroom.picture.load import CHANNELS


def test_choices_are_those_of_the_room_below() -> None:
    assert {channel.value for channel in Channel} == set(CHANNELS)


def test_the_defaults_are_those_of_the_recipe() -> None:
    assert settings_of(ColorizeOptions()) == Settings()


def test_options_survive_being_stored() -> None:
    options = ColorizeOptions(channel="red", radius=7, keep_nir_luminance=0.5)
    assert read_options(asdict(options)) == options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (ColorizeOptions(from_raw=True, channel="red"), "--channel"),
        (ColorizeOptions(max_pixels=5.0), "--from-raw"),
        (ColorizeOptions(decode_timeout=5.0), "--from-raw"),
        (ColorizeOptions(guided_filter=False, radius=3), "--no-guided-filter"),
        (ColorizeOptions(eps=0.0), "above 0"),
        (ColorizeOptions(channel="infrared"), "--channel takes"),
        (ColorizeOptions(keep_nir_luminance=2.0), "0 to 1"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_use(
    options: ColorizeOptions, words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        settings_of(options)


def test_what_a_manifest_holds_is_looked_at() -> None:
    assert parse_channel(None) is None
    assert parse_channel("mean") == "mean"
    assert parse_share(1) == 1
    with pytest.raises(UsageProblem):
        parse_share(float("nan"))
