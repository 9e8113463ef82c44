from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from darkroom.cli.sheets import gathering, parse_ratios
from darkroom.errors import UsageProblem
from darkroom.simulate import SimulateSettings, simulate_file

Run = Callable[..., Any]
ARGUMENTS = {"dry_run": False, "overwrite": False, "quiet": False}


@dataclass(frozen=True)
class Heard:
    status: str
    target: Path
    source: Path = Path("a.ARW")
    message: str = ""


@pytest.fixture
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("scene.png", np.random.default_rng(0).integers(40, 255, (64, 96, 3), np.uint8))
    return Path("scene.png")


@pytest.fixture
def dark(picture: Path) -> str:
    simulate_file(picture, Path("dark.dng"), SimulateSettings(ratio=50))
    picture.unlink()
    return "dark.dng"


def hear(sheet: Path | None, *heard: Heard, **arguments: bool) -> None:
    with gathering(sheet, {**ARGUMENTS, **arguments}) as listen:
        for outcome in heard:
            assert listen is not None
            listen(outcome)  # type: ignore[arg-type]


def test_what_is_done_is_on_the_sheet(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = Path("sheet.png")
    gone = Path("gone.png")
    done = Heard("skipped", picture, message="done before")
    hear(sheet, Heard("ok", picture), Heard("failed", gone), done, Heard("skipped", gone))
    assert sheet.exists()
    assert "gone" not in capsys.readouterr().err


def test_without_a_sheet_nothing_is_heard() -> None:
    with gathering(None, ARGUMENTS) as listen:
        assert listen is None


def test_an_interrupted_run_has_no_sheet(picture: Path) -> None:
    hear(Path("sheet.png"), Heard("ok", picture), Heard("cancelled", picture))
    assert not Path("sheet.png").exists()


def test_a_run_without_pictures_says_so(picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hear(Path("sheet.png"), Heard("failed", picture))
    assert "no picture" in capsys.readouterr().err
    hear(Path("sheet.png"), Heard("failed", picture), quiet=True)
    assert capsys.readouterr().err == ""


def test_sheets_that_cannot_be_had_are_refused_first(picture: Path) -> None:
    for sheet, arguments in (
        ("sheet.jpg", {}),
        ("sheet.png", {"dry_run": True}),
        ("scene.png", {}),
    ):
        with pytest.raises(UsageProblem):
            hear(Path(sheet), **arguments)


def test_an_older_second_page_is_refused_first(picture: Path) -> None:
    Path("new-2.png").touch()
    with pytest.raises(UsageProblem, match=r"new-2\.png exists"):
        hear(Path("new.png"))
    assert not Path("new.png").exists()


def test_a_contact_sheet_of_a_run(darkroom: Run, dark: str, small_model: str) -> None:
    line = ("enhance", dark, "--ratio", "50", "--model", small_model, "--contact-sheet", "s.png")
    ended = darkroom(*line)
    assert ended.code == 0, ended.err
    assert "contact sheet: s.png" in ended.err
    assert Path("dark.dng.tif").exists()
    assert darkroom(*line).code == 2  # s.png exists
    ended = darkroom(*line[:-1], "again.png")
    assert "1 done before" in ended.err
    assert Path("again.png").read_bytes() == Path("s.png").read_bytes()


def test_a_sheet_of_ratios(darkroom: Run, dark: str, small_model: str) -> None:
    before = {*Path().iterdir()}
    line = ("enhance", dark, "--model", small_model, "--ratio-sheet", "10,50,auto")
    ended = darkroom(*line)
    assert ended.code == 0, ended.err
    assert {*Path().iterdir()} - before == {Path("dark.dng.ratios.png")}
    content = Path("dark.dng.ratios.png").read_bytes()
    assert darkroom(*line).code == 2
    assert darkroom(*line, "--overwrite", "-q").err == ""
    assert Path("dark.dng.ratios.png").read_bytes() == content
    assert darkroom(*line, "-o", "out").code == 0
    assert Path("out/dark.dng.ratios.png").read_bytes() == content


def test_a_damaged_file_is_named(darkroom: Run, small_model: str) -> None:
    Path("bad.dng").write_bytes(b"no raw file")
    ended = darkroom("enhance", "bad.dng", "--model", small_model, "--ratio-sheet", "10")
    assert ended.code == 1
    assert "bad.dng: E_" in ended.err
    assert not Path("bad.dng.ratios.png").exists()


WRONG = ["10,,20", "x", "0", "match:a.ARW", ",".join(["2"] * 99)]


@pytest.mark.parametrize("text", WRONG)
def test_wrong_ratios(text: str) -> None:
    with pytest.raises(UsageProblem):
        parse_ratios(text)


@pytest.mark.parametrize(
    "line",
    (
        *("a.ARW b.ARW", "", ".", "a.ARW -n", "a.ARW --json", "a.ARW --ratio 3"),
        *("a.ARW --contact-sheet s.png", "--files-from list", "a.ARW --scheduler local:2"),
        "a.ARW --shard 1/2",
    ),
)
def test_a_sheet_of_ratios_is_of_one_file(darkroom: Run, line: str) -> None:
    ended = darkroom("enhance", *line.split(), "--ratio-sheet", "10,20")
    assert ended.code == 2
    assert "--ratio-sheet" in ended.err
