import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.finished import ColorizeReport
from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import look_at
from darkroom.batch.plan import Job
from darkroom.batch.steps import Steps
from darkroom.colorize import Settings
from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.engine import EngineChoice
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.publish import publish

Run = Callable[..., Any]


class Recipe:
    """Stands in for the network: remembers what it is asked and writes the name of the source."""

    def __init__(self) -> None:
        self.settings: list[Settings] = []
        self.errors: dict[str, FileProblem] = {}

    @contextmanager
    def colorizing(
        self, settings: Settings, intend: Intend
    ) -> Iterator[Steps[Job, Job, ColorizeReport]]:
        self.settings.append(settings)
        unchanged = [lambda job: job] * 2
        yield Steps(unchanged[:1], unchanged[1], lambda job: self.colorize(job, intend))

    def colorize(self, job: Job, intend: Intend) -> ColorizeReport:
        if job.source.name in self.errors:
            raise self.errors[job.source.name]
        seen = look_at(job.source)
        published = publish(
            job.target,
            lambda file: file.write(os.fsencode(job.source)),
            overwrite=True,
            before_naming=lambda published: intend(job, seen, published),
        )
        return ColorizeReport(
            camera="",
            model="nir-lite 1",
            device="cpu fp32",
            tile="full at 512 x 341",
            seconds={"network": 0.1},
            published=published,
            seen=seen,
        )


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_nir_model: str) -> Recipe:
    """The stand-in, and a file that passes for the weights of the default model."""
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(small_nir_model, folder / "nir-lite.safetensors")
    monkeypatch.setenv("DARKROOM_MODELS", str(folder))
    stand_in = Recipe()
    monkeypatch.setattr("darkroom.colorize.colorizing", stand_in.colorizing)
    return stand_in


def make(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(os.fsencode(name))


def outputs(folder: str = ".") -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.tif"))


def test_the_pictures_of_a_folder_are_coloured(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.png", "card/day/b.JPG", "card/c.dng", "card/note.txt")
    ended = darkroom("colorize", "card", "-o", "out")
    assert ended.code == 0
    assert outputs("out") == ["a.png.tif", "day/b.JPG.tif"]
    assert ended.out == ""
    assert "2 done" in ended.err


def test_raw_files_are_searched_for_on_request(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.png", "card/c.dng")
    assert darkroom("colorize", "card", "-o", "out", "--from-raw").code == 0
    assert outputs("out") == ["c.dng.tif"]
    assert recipe.settings[0].from_raw


def test_running_again_skips_its_own_outputs_too(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.png")
    darkroom("colorize", "card")
    ended = darkroom("colorize", "card")
    assert ended.code == 0
    assert "1 done before" in ended.err
    assert outputs("card") == ["a.png.tif"]
    assert len(recipe.settings) == 1


def test_options_reach_the_recipe(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    line = "colorize a.png --device cpu --tile 256 --max-memory 2G --channel red --radius 7"
    line += " --keep-nir-luminance 0.5 --format png --strip-gps --allow-suspect"
    assert darkroom(*line.split()).code == 0
    (settings,) = recipe.settings
    assert (settings.choice, settings.tile) == (EngineChoice("cpu"), 256)
    assert settings.max_memory == 2 << 30
    assert (settings.channel, settings.keep_nir_luminance) == ("red", 0.5)
    assert settings.guided_filter == GuidedFilter(radius=7, eps=1e-5)
    assert (settings.format, settings.strip_gps, settings.allow_suspect) == ("png", True, True)
    assert Path("a.png.png").exists()


def test_the_defaults_are_the_recipes(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    darkroom("colorize", "a.png")
    darkroom("colorize", "a.png", "--no-guided-filter", "--overwrite")
    assert recipe.settings[0] == Settings()
    assert recipe.settings[1].guided_filter is None


def test_records_and_details_tell_of_the_work(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    ended = darkroom("colorize", "a.png", "--json", "-v")
    record = json.loads(ended.out)
    assert (record["status"], record["model"]) == ("ok", "nir-lite 1")
    assert record["t_ms"]["network"] == 100
    assert "nir-lite 1 on cpu fp32, full at 512 x 341; network 0.10 s" in ended.err
    assert "ratio" not in ended.err


def test_a_dry_run_does_nothing(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    ended = darkroom("colorize", "a.png", "-n")
    assert ended.code == 0
    assert "a.png -> a.png.tif" in ended.err
    assert recipe.settings == []
    assert outputs() == []


def test_other_settings_keep_the_older_picture(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    darkroom("colorize", "a.png")
    ended = darkroom("colorize", "a.png", "--keep-nir-luminance", "1")
    assert ended.code == 1
    assert "other settings" in ended.err


def test_the_failed_files_are_done_again_on_request(darkroom: Run, recipe: Recipe) -> None:
    make("card/a.png", "card/b.png")
    recipe.errors["b.png"] = FileProblem(FailureCode.CORRUPT, "damaged")
    ended = darkroom("colorize", "card", "-o", "out", "--channel", "green")
    assert ended.code == 1
    (manifest,) = Path("out/.darkroom").iterdir()
    assert f"darkroom retry {manifest}" in ended.err
    assert json.loads(manifest.read_text().splitlines()[0])["command"] == "colorize"
    recipe.errors.clear()
    assert darkroom("retry", manifest).code == 0
    assert outputs("out") == ["a.png.tif", "b.png.tif"]
    assert recipe.settings[-1] == recipe.settings[0]


WRONG = [
    "--channel ultraviolet",
    "--keep-nir-luminance 2",
    "--no-guided-filter --eps 0.1",
    "--from-raw --channel red",
    "--max-pixels 5",
    "--tile some",
    "-0",
    "-q -v",
]


@pytest.mark.parametrize("options", WRONG)
def test_wrong_use_ends_with_code_2(darkroom: Run, recipe: Recipe, options: str) -> None:
    make("a.png")
    ended = darkroom("colorize", "a.png", *options.split())
    assert ended.code == 2
    assert ended.err
    assert recipe.settings == []


def test_a_missing_model_ends_with_code_4(darkroom: Run, recipe: Recipe) -> None:
    make("a.png")
    assert darkroom("colorize", "a.png", "--model", "unheard-of").code == 4


def test_a_model_for_another_command_is_refused_before_any_work(
    darkroom: Run, recipe: Recipe, small_model: str, small_nir_model: str
) -> None:
    make("a.png")
    ended = darkroom("colorize", "a.png", "--model", small_model, "-n")
    assert (ended.code, "darkroom enhance" in ended.err) == (2, True)
    ended = darkroom("enhance", "a.dng", "--model", small_nir_model)
    assert (ended.code, "darkroom colorize" in ended.err, "cancelled" in ended.err) == (
        2,
        True,
        False,
    )


def test_nothing_matched_ends_with_code_3(darkroom: Run, recipe: Recipe) -> None:
    assert darkroom("colorize", "*.png").code == 3
    assert darkroom("colorize", "*.png", "--allow-empty").code == 0
