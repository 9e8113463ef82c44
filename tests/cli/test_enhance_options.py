from dataclasses import asdict

import pytest

from darkroom.cli.enhance_options import (
    EnhanceOptions,
    Format,
    Tone,
    parse_memory,
    parse_tile,
    read_options,
    settings_of,
)
from darkroom.enhance import WRITERS, Settings
from darkroom.errors import UsageProblem
from darkroom.picture.tone import TONES


def test_choices_are_those_of_the_rooms_below() -> None:
    assert {tone.value for tone in Tone} == set(TONES)
    assert {format_.value for format_ in Format} == set(WRITERS)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2G", 2 << 30), ("800M", 800 << 20), ("1.5GiB", 3 << 29), ("64kb", 1 << 16), ("123", 123)],
)
def test_memory_sizes(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "1e9", "2 G", "nan", "0.0001k"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(UsageProblem, match="--max-memory"):
        parse_memory(text)


@pytest.mark.parametrize("text", ["", "-64", "6.5", "AUTO", "٣", "1000000000"])
def test_tiles_that_are_none(text: str) -> None:
    with pytest.raises(UsageProblem, match="--tile"):
        parse_tile(text)


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
