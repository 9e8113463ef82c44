import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.decoder import Decoder
from darkroom.batch.finished import EnhanceReport
from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import look_at
from darkroom.batch.plan import Job
from darkroom.batch.steps import Steps
from darkroom.enhance import Settings
from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.engine import EngineChoice
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.publish import publish

Run = Callable[..., Any]


class Recipe:
    """Stands in for the network: remembers what it is asked and writes the name of the source."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []
        self.errors: dict[str, BaseException] = {}

    @contextmanager
    def enhancing(
        self, settings: Settings, intend: Intend, *, decoder: Decoder
    ) -> Iterator[Steps[Job, Job, EnhanceReport]]:
        self.settings.append(settings)
        unchanged = [lambda job: job] * 2
        yield Steps(unchanged[:1], unchanged[1], lambda job: self.enhance(job, settings, intend))

    def enhance(self, job: Job, settings: Settings, intend: Intend) -> EnhanceReport:
        if job.source.name in self.errors:
            raise self.errors[job.source.name]
        seen = look_at(job.source)
        published = publish(
            job.target,
            lambda file: file.write(os.fsencode(job.source)),
            overwrite=settings.overwrite,
            before_naming=lambda published: intend(job, seen, published),
        )
        return EnhanceReport(
            camera="SONY ILCE-7SM2",
            ratio=100.0,
            ratio_reason="asked for",
            noise_source="estimated",
            model="fast-unet 1",
            device="cpu fp32",
            tile="full",
            seconds={"read": 0.1},
            published=published,
            seen=seen,
        )


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    stand_in = Recipe()
    monkeypatch.setattr("darkroom.enhance.enhancing", stand_in.enhancing)
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
    assert "1 done before" in ended.err
    assert len(recipe.settings) == 1
    assert darkroom("enhance", "a.ARW", "--overwrite").err.count("skipped") == 0
    assert len(recipe.settings) == 2


def test_options_reach_the_recipe(darkroom: Run, recipe: Recipe, small_model: str) -> None:
    make("a.ARW")
    line = (
        f"enhance a.ARW --ratio 250 --model {small_model} --device cpu --tile 256 --max-memory 2G"
    )
    line += " --strength 1.5 --tone libraw --guided-filter --radius 7 --format png --strip-gps"
    assert darkroom(*line.split()).code == 0
    (settings,) = recipe.settings
    assert (settings.model, settings.choice, settings.tile) == (
        small_model,
        EngineChoice("cpu"),
        256,
    )
    assert (settings.max_memory, settings.strength, settings.tone) == (2 << 30, 1.5, "libraw")
    assert settings.guided_filter == GuidedFilter(radius=7, eps=1e-5)
    assert (settings.format, settings.strip_gps, settings.overwrite) == ("png", True, False)
    assert Path("a.ARW.png").exists()


def test_compressions_reach_the_recipe(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    assert darkroom("enhance", "a.ARW", "--compression", "zstd").code == 0
    assert recipe.settings[0].compression == "zstd"
    again = darkroom("enhance", "a.ARW", "--compression", "none")
    assert again.code == 1  # what exists was made with other settings


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


def test_a_missing_model_is_told_once_before_any_file(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW")
    ended = darkroom("enhance", "a.ARW", "b.ARW", "--model", "unheard-of")
    assert ended.code == 4
    assert ended.err.count("unheard-of") == 1
    assert recipe.settings == []


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
    make("card/a.ARW", "card/b.ARW")
    darkroom("enhance", "card/b.ARW", "-o", "out")
    recipe.settings.clear()
    before = sorted(Path("out").rglob("*"))
    ended = darkroom("enhance", "card", "-o", "out", "-n")
    assert ended.code == 0
    assert "card/a.ARW -> out/a.ARW.tif" in ended.err
    assert "1 done before, 1 planned" in ended.err
    assert recipe.settings == []
    assert sorted(Path("out").rglob("*")) == before
    records = darkroom("enhance", "card", "-o", "out", "-n", "--json").out.splitlines()
    assert [json.loads(line)["status"] for line in records] == ["planned", "skipped"]


def test_a_foreign_file_is_kept_and_told(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW", "a.ARW.tif")
    ended = darkroom("enhance", "a.ARW", "b.ARW")
    assert ended.code == 1
    assert "E_COLLISION" in ended.err
    assert Path("a.ARW.tif").read_bytes() == b"a.ARW.tif"
    assert outputs() == ["a.ARW.tif", "b.ARW.tif"]
    assert darkroom("enhance", "a.ARW", "--overwrite").code == 0
    assert Path("a.ARW.tif").read_bytes() == b"a.ARW"


def test_a_file_that_was_made_before_records_existed_can_be_verified(
    darkroom: Run, recipe: Recipe
) -> None:
    make("a.ARW", "b.ARW")
    darkroom("enhance", "a.ARW", "b.ARW")
    shutil.rmtree(".darkroom")
    Path("b.ARW.tif").write_bytes(b"edited")
    ended = darkroom("enhance", "a.ARW", "b.ARW", "--verify", "--json")
    assert [json.loads(line)["status"] for line in ended.out.splitlines()] == ["ok", "failed"]
    assert Path("b.ARW.tif").read_bytes() == b"edited"
    assert darkroom("enhance", "a.ARW").code == 0


def test_other_settings_keep_the_older_picture(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    darkroom("enhance", "a.ARW", "--ratio", "100")
    assert "other settings" in darkroom("enhance", "a.ARW", "--ratio", "200").err
    assert darkroom("enhance", "a.ARW", "--ratio", "100.0").code == 0


def test_the_failed_files_are_done_again_on_request(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.ARW", "card/day/b.ARW")
    recipe.errors["b.ARW"] = FileProblem(FailureCode.TRUNCATED, "ends at 7")
    ended = darkroom("enhance", "card", "-o", "out", "--ratio", "7")
    (manifest,) = Path("out/.darkroom").iterdir()
    assert f"darkroom retry {manifest}" in ended.err
    assert darkroom("retry", manifest).code == 1
    recipe.errors.clear()
    ended = darkroom("retry", manifest, "--json")
    assert ended.code == 0
    assert [json.loads(line)["in"] for line in ended.out.splitlines()] == ["card/day/b.ARW"]
    assert outputs("out") == ["a.ARW.tif", "day/b.ARW.tif"]
    assert recipe.settings[-1].ratio == recipe.settings[0].ratio
    assert darkroom("retry", manifest).code == 3


def test_another_name_of_a_file_has_its_record(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    os.link("a.ARW", "b.ARW")
    ended = darkroom("enhance", "a.ARW", "b.ARW", "--json")
    assert ended.code == 0
    told = {record["in"]: record for record in map(json.loads, ended.out.splitlines())}
    assert (told["a.ARW"]["status"], told["b.ARW"]["status"]) == ("ok", "skipped")
    assert "a.ARW" in told["b.ARW"]["msg"]
    assert outputs() == ["a.ARW.tif"]


def test_outputs_do_not_belong_where_inputs_are_searched(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.ARW")
    ended = darkroom("enhance", "card", "-o", "card/out")
    assert ended.code == 2
    assert not Path("card/out").exists()


def test_shards_share_the_files_among_them(darkroom: Run, recipe: Recipe) -> None:
    make(*(f"card/{n}.ARW" for n in range(12)))
    done = 0
    for shard in ("1/3", "2/3", "3/3"):
        assert darkroom("enhance", "card", "-o", "out", "--shard", shard, "--allow-empty").code == 0
        assert len(outputs("out")) > done
        done = len(outputs("out"))
    assert done == 12


@pytest.mark.parametrize("option", ["--fail-fast", "--max-failures=1"])
def test_failures_can_end_a_batch(darkroom: Run, recipe: Recipe, option: str) -> None:
    make("a.ARW", "b.ARW")
    recipe.errors["a.ARW"] = FileProblem(FailureCode.EMPTY, "empty")
    ended = darkroom("enhance", "a.ARW", "b.ARW", option)
    assert ended.code == 5
    assert outputs() == []


def test_an_empty_batch_can_be_a_success(darkroom: Run, recipe: Recipe) -> None:
    ended = darkroom("enhance", "*.ARW", "--allow-empty")
    assert ended.code == 0
    assert "no file matched" in ended.err


def test_limits_reach_the_decoder(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    darkroom("enhance", "a.ARW", "--max-pixels", "0.5", "--decode-timeout", "3", "--allow-suspect")
    (settings,) = recipe.settings
    assert settings.limits.max_pixels == 500_000
    assert settings.limits.seconds_for(10**9) == 3
    assert settings.allow_suspect


def test_a_folder_that_cannot_be_written_stops_the_batch_before_any_work(
    darkroom: Run, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("card/a.ARW")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    ended = darkroom("enhance", "card", "-o", "out")
    assert ended.code == 5
    assert recipe.settings == []


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
    "--compression lzw",
    "--format png --compression zstd",
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


def test_an_output_folder_without_a_name_is_wrong_use(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW")
    assert darkroom("enhance", "a.ARW", "-o", "").code == 2
    assert recipe.settings == []


def test_a_file_in_place_of_the_memory_is_wrong_use(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "out/.darkroom")
    ended = darkroom("enhance", "a.ARW", "-o", "out")
    assert ended.code == 2
    assert "in the way" in ended.err
    assert recipe.settings == []


def test_a_batch_that_was_stopped_is_to_be_repeated_whole(darkroom: Run, recipe: Recipe) -> None:
    make("a.ARW", "b.ARW")
    recipe.errors["a.ARW"] = FileProblem(FailureCode.EMPTY, "empty")
    ended = darkroom("enhance", "a.ARW", "b.ARW", "--fail-fast")
    assert "1 file failed, and no more are allowed; then run the same command again" in ended.err
    assert "retry" not in ended.err
