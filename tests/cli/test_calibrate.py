import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.calibrate import CalibrateSettings
from darkroom.camera.calibration import Calibration
from darkroom.errors import UsageProblem
from tests.calibration_frames import calibration

Run = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    def stand_in(
        darks: list[Path],
        flats: list[Path],
        target: Path,
        settings: CalibrateSettings,
        watcher: Any,
    ) -> Calibration:
        if not flats and settings.gain_per_iso is None:
            raise UsageProblem("flats are needed")
        seen.append({"darks": darks, "flats": flats, "target": target, "settings": settings})
        for path in darks:
            watcher.on_frame(path)
        watcher.on_skipped("odd.dng: no RAW file")
        return calibration()

    monkeypatch.setattr("darkroom.calibrate.calibrate", stand_in)
    return seen


@pytest.fixture
def folders(tmp_path: Path) -> None:
    for folder in ("darks", "flats"):
        (tmp_path / folder).mkdir()
        for name in ("2.DNG", "1.dng", "notes.txt"):
            (tmp_path / folder / name).touch()


@pytest.mark.usefixtures("folders")
def test_folders_become_files_and_options_settings(darkroom: Run, calls: list[Any]) -> None:
    line = "calibrate darks flats -o c.json --iso 800 --gain-per-iso 0.001 --name mine --overwrite"
    ended = darkroom(*line.split())
    assert ended.code == 0
    assert calls[0] == {
        "darks": [Path("darks/1.dng"), Path("darks/2.DNG")],
        "flats": [Path("flats/1.dng"), Path("flats/2.DNG")],
        "target": Path("c.json"),
        "settings": CalibrateSettings(800, 0.001, "mine", True),
    }


@pytest.mark.usefixtures("folders")
def test_a_table_notes_and_the_file_are_told(darkroom: Run, calls: list[Any]) -> None:
    ended = darkroom("calibrate", "darks", "flats/*.dng", "-o", "c.json")
    assert calls[0]["flats"] == [Path("flats/1.dng")]
    assert [line.split()[0] for line in ended.out.splitlines()] == ["ISO", "400", "1600", "6400"]
    for sentence in ("odd.dng: no RAW file", "note: ISO 400: made up", "calibration: c.json"):
        assert sentence in ended.err
    assert "measured" not in ended.err
    assert "1.dng: measured" in darkroom("calibrate", "darks", "flats", "-vo", "c.json").err


@pytest.mark.usefixtures("folders")
def test_quiet_leaves_what_was_skipped(darkroom: Run, calls: list[Any]) -> None:
    ended = darkroom("calibrate", "darks", "flats", "-q", "-o", "c.json")
    assert (ended.out, ended.err) == ("", "darkroom: odd.dng: no RAW file\n")


@pytest.mark.usefixtures("folders")
def test_the_record_is_one_line(darkroom: Run, calls: list[Any]) -> None:
    (line,) = darkroom("calibrate", "darks", "flats", "-o", "c.json", "--json").out.splitlines()
    assert json.loads(line)["calibration"]["format"] == "darkroom-calibration"


@pytest.mark.usefixtures("folders")
def test_wrong_use_ends_with_its_code(darkroom: Run, calls: list[Any]) -> None:
    assert darkroom("calibrate", "darks", "-o", "c.json").code == 2
    assert darkroom("calibrate", "darks", "flats", "-o", "c.txt").code == 2
    assert darkroom("calibrate", "darks", "flats").code == 2
    (Path("empty")).mkdir()
    assert darkroom("calibrate", "empty", "flats", "-o", "c.json").code == 3
    assert calls == []


@pytest.mark.usefixtures("folders")
def test_named_flats_that_are_not_there_end_it(darkroom: Run, calls: list[Any]) -> None:
    ended = darkroom("calibrate", "darks", "nowhere", "-o", "c.json", "--gain-per-iso", "0.001")
    assert ended.code == 3
    assert calls == []
