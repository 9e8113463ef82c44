from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.cli.simulate import Phase, ReadNoise
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.simulate import SimulateSettings

Run = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, SimulateSettings]]:
    seen: list[tuple[Path, Path, SimulateSettings]] = []

    def stand_in(source: Path, target: Path, settings: SimulateSettings) -> None:
        if not source.exists():
            raise FileProblem(FailureCode.NOT_REGULAR, "no such file")
        if settings.iso < 25:
            raise UsageProblem("--iso is out of range")
        seen.append((source, target, settings))

    monkeypatch.setattr("darkroom.simulate.simulate_file", stand_in)
    return seen


def test_options_reach_the_recipe(darkroom: Run, calls: list[Any]) -> None:
    Path("photo.png").touch()
    line = "simulate photo.png -o dark.dng --camera canon-5d4 --iso 800 --ratio 50 --phase BGGR"
    ended = darkroom(*line.split(), "--seed", 7, "--read-noise", "gaussian", "--overwrite")
    assert ended.code == 0
    settings = SimulateSettings("canon-5d4", 800, 50, "BGGR", 7, "gaussian", True)
    assert calls == [(Path("photo.png"), Path("dark.dng"), settings)]


def test_the_defaults_are_the_recipes(darkroom: Run, calls: list[Any]) -> None:
    Path("photo.png").touch()
    darkroom("simulate", "photo.png", "-o", "dark.dng")
    assert calls[0][2] == SimulateSettings()


def test_an_existing_dng_is_kept(darkroom: Run, calls: list[Any]) -> None:
    Path("photo.png").touch()
    Path("dark.dng").touch()
    ended = darkroom("simulate", "photo.png", "-o", "dark.dng")
    assert (ended.code, calls) == (0, [])
    assert "--overwrite" in ended.err


def test_failures_name_the_file(darkroom: Run, calls: list[Any]) -> None:
    ended = darkroom("simulate", "gone.png", "-o", "dark.dng")
    assert ended.code == 1
    assert "darkroom: gone.png: E_NOT_REGULAR: no such file" in ended.err


def test_wrong_use_is_told_once(darkroom: Run, calls: list[Any]) -> None:
    Path("photo.png").touch()
    ended = darkroom("simulate", "photo.png", "-o", "dark.dng", "--iso", 1)
    assert ended.code == 2
    assert ended.err.count("--iso is out of range") == 1
    assert darkroom("simulate", "photo.png", "-o", "dark.tif").code == 2
    assert darkroom("simulate", "photo.png").code == 2


def test_cameras_are_listed(darkroom: Run) -> None:
    from darkroom.camera.sensors import SENSORS

    ended = darkroom("simulate", "--camera", "list")
    assert (ended.code, ended.out.split()) == (0, list(SENSORS))


def test_choices_are_those_of_the_rooms_below() -> None:
    from typing import get_args

    from darkroom.camera.bayer import PHASES
    from darkroom.camera.sensor_noise import ReadNoiseShape

    assert {phase.value for phase in Phase} == set(PHASES)
    assert {shape.value for shape in ReadNoise} == set(get_args(ReadNoiseShape))


def test_the_picture_is_never_written_over(darkroom: Run, calls: list[Any], tmp_path: Path) -> None:
    source = tmp_path / "clean.dng"
    source.write_bytes(b"mine")
    assert darkroom("simulate", source, "-o", source, "--overwrite").code == 2
    assert not calls
    assert source.read_bytes() == b"mine"
