from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import StoppedEarly
from darkroom.learning.progress import Progress

Run = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def stand_in(config: Any, run: Path, **options: Any) -> Path:
        seen.append({"config": config, "run": run, **options})
        options["on_skipped"]("photo.png: too small")
        options["on_progress"](Progress(5, 10, 0.5, 1e-3, 20.0, 2.0))
        return run / "night.safetensors"

    monkeypatch.setattr("darkroom.train.train", stand_in)
    return seen


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "night.toml"
    path.write_text("[training]\nsteps = 10\n")
    return path


def test_progress_is_printed_and_weights_are_named(
    darkroom: Run, calls: list[Any], config: Path
) -> None:
    ended = darkroom("train", config, "-o", "here", "--resume")
    assert ended.code == 0
    assert ended.out == ""
    assert "step 5 of 10" in ended.err
    assert "photo.png: too small" in ended.err
    assert "here/night.safetensors" in ended.err
    assert (calls[0]["run"], calls[0]["continue_run"]) == (Path("here"), True)


def test_the_run_folder_has_the_name_of_the_configuration(
    darkroom: Run, calls: list[Any], config: Path
) -> None:
    ended = darkroom("train", config, "-q")
    assert (calls[0]["run"], calls[0]["continue_run"]) == (Path("runs/night"), False)
    assert "step" not in ended.err


def test_options_change_the_configuration(
    darkroom: Run, calls: list[Any], config: Path, small_model: str
) -> None:
    line = ("--init", small_model, "--freeze-encoder", "--steps", "3", "--noise", "night.json")
    assert darkroom("train", config, "-q", *line).code == 0
    changed = calls[0]["config"]
    assert changed.model.init == Path(small_model)
    assert "encoder" in changed.model.freeze
    assert changed.training.steps == 3
    assert changed.noise.calibrations == (Path("night.json"),)


def test_weights_that_do_not_exist_are_named(darkroom: Run, calls: list[Any], config: Path) -> None:
    ended = darkroom("train", config, "--init", "nowhere")
    assert ended.code == 4
    assert "no model called 'nowhere'" in ended.err
    assert calls == []


def test_a_bad_configuration_is_wrong_use(darkroom: Run, calls: list[Any], config: Path) -> None:
    config.write_text("[training]\nstepz = 10\n")
    assert darkroom("train", config).code == 2
    assert darkroom("train", "gone.toml").code == 2
    assert calls == []


def test_a_run_that_stops_early_ends_with_code_5(
    darkroom: Run, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(*_: object, **__: object) -> Path:
        raise StoppedEarly("the loss is not a number")

    monkeypatch.setattr("darkroom.train.train", diverging)
    ended = darkroom("train", config)
    assert (ended.code, ended.err) == (5, "darkroom: the loss is not a number\n")
