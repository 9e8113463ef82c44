import pytest

from darkroom.batch.pictures import WRITERS
from darkroom.cli.batch_options import (
    SUFFIXES,
    Compression,
    Format,
    parse_compression,
    parse_filter,
    parse_limits,
    parse_memory,
    parse_tile,
    picked,
    restored,
)
from darkroom.cli.colorize_options import ColorizeOptions
from darkroom.cli.enhance_options import EnhanceOptions
from darkroom.errors import UsageProblem
from darkroom.picture.guided_filter import GuidedFilter


def test_every_recipe_writes_the_formats() -> None:
    formats = {format_.value for format_ in Format}
    assert formats == set(WRITERS)
    assert {compression.value for compression in Compression} == set(WRITERS["tiff"])
    assert set(SUFFIXES) == set(Format)


def test_a_format_has_its_compressions() -> None:
    for name in Format:
        for text in Compression:
            if text in WRITERS[name]:
                assert parse_compression(text, format=name) == text
            else:
                with pytest.raises(UsageProblem, match=f"--compression {text}.*--format tiff"):
                    parse_compression(text, format=name)
    with pytest.raises(UsageProblem, match=r"none, deflate, zstd.*'lzw'"):
        parse_compression("lzw", format="tiff")


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


@pytest.mark.parametrize("kind", [EnhanceOptions, ColorizeOptions])
def test_choices_are_stored_as_they_are_written(kind: type) -> None:
    default = vars(kind())
    options = picked(kind, default | {"format_": Format.PNG, "shard": "1/2"})
    assert vars(options) == default | {"format": "png"}
    assert restored(kind, vars(options)) == options


@pytest.mark.parametrize("stored", [None, [], {"sepia": 1}, {"model": 5}, {"verify": "yes"}])
def test_options_that_are_not_ours_are_refused(stored: object) -> None:
    with pytest.raises(UsageProblem, match="manifest"):
        restored(ColorizeOptions, stored)


def test_a_filter_has_defaults_and_must_be_wanted() -> None:
    assert parse_filter(True, None, None, remedy="") == GuidedFilter(5, 1e-5)
    assert parse_filter(True, 7, 0.1, remedy="") == GuidedFilter(7, 0.1)
    assert parse_filter(False, None, None, remedy="") is None
    for radius, eps in ((7, None), (None, 0.1)):
        with pytest.raises(UsageProblem, match="say please"):
            parse_filter(False, radius, eps, remedy="say please")
    with pytest.raises(UsageProblem, match="above 0"):
        parse_filter(True, None, 0, remedy="")


def test_limits_are_as_asked_for() -> None:
    limits = parse_limits(0.5, 3.0)
    assert (limits.max_pixels, limits.seconds_for(10**9)) == (500_000, 3)


@pytest.mark.parametrize("eps", [0.0, -1.0, float("inf"), float("nan")])
def test_eps_is_a_number_above_0(eps: float) -> None:
    with pytest.raises(UsageProblem, match="a number above 0"):
        parse_filter(True, None, eps, remedy="say please")
