import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.plan import Job
from darkroom.cli.enhance import Format, Tone, parse_memory, parse_tile
from darkroom.enhance import WRITERS, GuidedFilter, Report, Settings
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem, UsageProblem
from darkroom.picture.tone import TONES

Run = Callable[..., Any]


class Recipe:
    """Stands in for the network: remembers what it is asked and writes the name of the source."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []
        self.errors: dict[str, BaseException] = {}

    def load(self, settings: Settings) -> "Recipe":
        self.settings.append(settings)
        return self

    def enhance(self, job: Job, enhancer: "Recipe") -> Report:
        assert enhancer is self
        if job.source.name in self.errors:
            raise self.errors[job.source.name]
        job.target.parent.mkdir(parents=True, exist_ok=True)
        job.target.write_bytes(os.fsencode(job.source))
        return Report(
            camera="SONY ILCE-7SM2",
            ratio=100.0,
            ratio_reason="asked for",
            noise_source="estimated",
            model="fast-unet 1",
            device="cpu fp32",
            tile="full",
            seconds={"read": 0.1},
        )


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    stand_in = Recipe()
    monkeypatch.setattr("darkroom.enhance.load_enhancer", stand_in.load)
    monkeypatch.setattr("darkroom.enhance.enhance_file", stand_in.enhance)
    return stand_in


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode("utf-8", "surrogateescape"))


def outputs(folder: str = ".") -> list[str]:
    paths = (path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.tif"))
    return sorted(paths)


def test_a_folder_is_enhanced_into_another(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.ARW", "card/day/b.dng", "card/note.txt")
    ended = darkroom("enhance", "card", "-o", "out")
    assert ended.code == 0
    assert outputs("out") == ["a.ARW.tif", "day/b.dng.tif"]
    assert ended.out == ""
    assert "2 done" in ended.err


def test_running_again_skips_and_loads_no_model(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    darkroom("enhance", "a.ARW")
    ended = darkroom("enhance", "a.ARW")
    assert ended.code == 0
    assert "--overwrite" in ended.err
    assert len(recipe.settings) == 1
    assert darkroom("enhance", "a.ARW", "--overwrite").err.count("skipped") == 0
    assert len(recipe.settings) == 2


def test_options_reach_the_recipe(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    line = "enhance a.ARW --ratio 250 --model other --device cpu --tile 256 --max-memory 2G"
    line += " --strength 1.5 --tone libraw --guided-filter --radius 7 --format png --strip-gps"
    assert darkroom(*line.split()).code == 0
    (settings,) = recipe.settings
    assert (settings.model, settings.device, settings.tile) == ("other", "cpu", 256)
    assert (settings.max_memory, settings.strength, settings.tone) == (2 << 30, 1.5, "libraw")
    assert settings.guided_filter == GuidedFilter(radius=7, eps=1e-5)
    assert (settings.format, settings.strip_gps, settings.overwrite) == ("png", True, False)
    assert Path("a.ARW.png").exists()


def test_the_defaults_are_the_recipes(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    darkroom("enhance", "a.ARW")
    (settings,) = recipe.settings
    assert settings == Settings(ratio=settings.ratio)


def test_one_bad_file_is_named_and_the_others_are_done(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW", "c.ARW")
    recipe.errors["b.ARW"] = FileProblem(FailureCode.TRUNCATED, "ends at 7", "copy it again")
    ended = darkroom("enhance", "a.ARW", "b.ARW", "c.ARW")
    assert ended.code == 1
    assert "darkroom: b.ARW: E_TRUNCATED: ends at 7; copy it again\n" in ended.err
    assert outputs() == ["a.ARW.tif", "c.ARW.tif"]


def test_a_full_disk_ends_with_code_5(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW")
    recipe.errors["a.ARW"] = FileProblem(FailureCode.WRITE_SPACE, "disk full")
    ended = darkroom("enhance", "a.ARW", "b.ARW")
    assert ended.code == 5
    assert "stopped" in ended.err
    assert outputs() == []


def test_an_interrupted_batch_ends_with_code_130(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW")
    recipe.errors["a.ARW"] = KeyboardInterrupt()
    ended = darkroom("enhance", "a.ARW", "b.ARW")
    assert ended.code == 130
    assert "2 cancelled" in ended.err


def test_a_missing_model_is_told_once_before_any_file(
    darkroom: Run, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.ARW", "b.ARW")

    def missing(settings: Settings) -> None:
        raise EnvironmentProblem("no model called 'x'")

    monkeypatch.setattr("darkroom.enhance.load_enhancer", missing)
    ended = darkroom("enhance", "a.ARW", "b.ARW")
    assert (ended.code, ended.err) == (4, "darkroom: no model called 'x'\n")


@pytest.mark.parametrize("name", [b"new\nline.ARW", b"\xff\xfe.ARW", b"[x]'\".ARW", b"-n.ARW"])
def test_json_has_one_valid_line_a_file_whatever_its_name(
    darkroom: Run, recipe: Recipe, name: bytes
) -> None:
    try:
        make(os.fsdecode(name))
    except OSError as error:
        assert error.errno == errno.EILSEQ  # this file system wants text
        pytest.skip("names must be UTF-8 here")
    ended = darkroom("enhance", "--json", "--", os.fsdecode(name), "gone/missing.ARW")
    first, second = (json.loads(line) for line in ended.out.splitlines())
    assert (first["status"], first["ratio"]) == ("ok", 100.0)
    assert second["in"] == "gone/missing.ARW"
    assert ended.err


def test_a_dry_run_tells_the_targets_and_does_nothing(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.ARW", "card/b.ARW", "out/b.ARW.tif")
    ended = darkroom("enhance", "card", "-o", "out", "-n")
    assert ended.code == 0
    assert "card/a.ARW -> out/a.ARW.tif" in ended.err
    assert "1 planned, 1 skipped" in ended.err
    assert recipe.settings == []
    assert outputs("out") == ["b.ARW.tif"]
    records = darkroom("enhance", "card", "-o", "out", "-n", "--json").out.splitlines()
    assert [json.loads(line)["status"] for line in records] == ["planned", "skipped"]


def test_nothing_matched_ends_with_code_3(darkroom: Run, recipe: Recipe) -> None:
    for line in (["*.ARW"], ["*.ARW", "-n"], ["-o", "out"]):
        assert darkroom("enhance", *line).code == 3


def test_a_pattern_without_a_match_is_mentioned(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    assert "'*.DNG' matched no" in darkroom("enhance", "a.ARW", "*.DNG").err
    assert darkroom("enhance", "a.ARW", "*.DNG", "-q").err == ""


def test_lists_may_end_names_with_null(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "new\nline.ARW")
    Path("list").write_bytes(b"a.ARW\0new\nline.ARW\0")
    assert darkroom("enhance", "--files-from", "list", "-0", "-o", "out").code == 0
    assert outputs("out") == ["a.ARW.tif", "new\nline.ARW.tif"]


def test_collisions_end_with_code_2_before_any_work(darkroom: Run, recipe: Recipe) -> None:
    make("x/a.ARW", "y/a.ARW")
    assert darkroom("enhance", "x/a.ARW", "y/a.ARW", "-o", "out").code == 2
    assert recipe.settings == []
    assert not Path("out").exists()


WRONG = [
    "--ratio nonsense",
    "--ratio 0",
    "--ratio -5",
    "--tile some",
    "--tile 0",
    "--strength 3",
    "--strength -1",
    "--max-memory lots",
    "--max-memory 0",
    "--tone sepia",
    "--format gif",
    "--device tpu",
    "--radius 5",
    "-0",
    "-q -v",
    "--no-such-option",
]


@pytest.mark.parametrize("options", WRONG)
def test_wrong_use_ends_with_code_2(darkroom: Run, recipe: Recipe, options: str) -> None:
    make("a.ARW")
    ended = darkroom("enhance", "a.ARW", *options.split())
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err
    assert recipe.settings == []


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


def test_a_dry_run_names_a_model_that_is_missing(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    ended = darkroom("enhance", "a.ARW", "-n", "--model", "unheard-of")
    assert ended.code == 4
    assert "unheard-of" in ended.err


def test_a_guided_filter_needs_a_variance(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    ended = darkroom("enhance", "a.ARW", "--guided-filter", "--eps", "0")
    assert ended.code == 2
    assert "--eps" in ended.err
