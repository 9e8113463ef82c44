import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.told_decoder import ToldDecoder
from darkroom.camera.raw import NoiseLevel
from darkroom.camera.sensors import SENSORS, noise_level_of
from tests.cli.eval_pictures import write_truths

Run = Callable[..., Any]
TINY = ("--iso", "1600", "--ratio", "20", "--device", "cpu")


@pytest.fixture
def truths(tmp_path: Path) -> Path:
    return write_truths(tmp_path / "truths")


@pytest.mark.slow
def test_a_simulation_scores_what_the_commands_make(
    darkroom: Run, truths: Path, small_model: str
) -> None:
    line = ("--simulate", truths, "--model", small_model, *TINY, "--seed", "5")
    ended = darkroom("eval", *line, "--json", "simulated.json")
    assert ended.code == 0
    for seed in range(2):
        name = f"t{seed}"
        dark = ("--iso", "1600", "--ratio", "20", "--seed", str(5 + seed))
        assert darkroom("simulate", truths / f"{name}.png", "-o", f"{name}.dng", *dark).code == 0
        same = ("--ratio", "20", "--tone", "srgb", "--device", "cpu", "--model", small_model)
        assert darkroom("enhance", f"{name}.dng", "-o", "clean", *same).code == 0
    assert darkroom("eval", "clean", truths, "--json", "compared.json").code == 0
    simulated, compared = (
        json.loads(Path(name).read_text()) for name in ("simulated.json", "compared.json")
    )
    (ours,), (theirs,) = simulated["methods"], compared["methods"]
    assert [p["scores"] for p in ours["each"]] == [p["scores"] for p in theirs["each"]]
    assert ours["scores"] == theirs["scores"]
    assert [picture["seed"] for picture in ours["each"]] == [5, 6]
    assert len(ours["sha256"]) == 64
    assert "sony-a7s2, ISO 1600" in simulated["protocol"]["dark_frames"]


@pytest.mark.slow
def test_models_are_compared_on_the_same_frames(
    darkroom: Run,
    truths: Path,
    small_model: str,
    small_srgb_model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[NoiseLevel] = []

    def told_decoder(level: NoiseLevel) -> ToldDecoder:
        told.append(level)
        return ToldDecoder(level)

    monkeypatch.setattr("darkroom.batch.told_decoder.ToldDecoder", told_decoder)
    both = ("--model", small_model, "--model", small_srgb_model, "--model", small_model)
    line = ("eval", "--simulate", truths, *both, *TINY, "--noise", "told")
    ended = darkroom(*line, "--csv", "s.csv", "--json", "s.json")
    assert ended.code == 0
    with Path("s.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["method"] for line in lines] == [small_model] * 2 + [small_srgb_model] * 2
    assert told == [noise_level_of(SENSORS["sony-a7s2"], 1600)]
    record = json.loads(Path("s.json").read_text())
    assert record["protocol"]["noise"].startswith("told")
    assert {row["model"] for row in record["methods"]} == {"small-fast-unet", "small-unet"}


def test_a_truth_that_fails_is_counted_for_every_model(
    darkroom: Run, truths: Path, small_model: str
) -> None:
    (truths / "t1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ended = darkroom("eval", "--simulate", truths, "--model", small_model, *TINY, "-q")
    assert ended.code == 1
    assert "t1.png: E_CORRUPT" in ended.err
    assert ended.out.splitlines()[1].split()[1:3] == ["2", "1"]


def test_more_views_are_told_and_scored(darkroom: Run, truths: Path, small_model: str) -> None:
    for count in ("1", "2"):
        line = ("eval", "--simulate", str(truths), "--model", small_model, *TINY)
        assert darkroom(*line, "--views", count, "--json", f"{count}.json").code == 0
    one, two = (json.loads(Path(f"{count}.json").read_text()) for count in ("1", "2"))
    assert "--views 2" in two["protocol"]["results"]
    assert one["methods"][0]["scores"]["psnr"] != two["methods"][0]["scores"]["psnr"]


def test_the_page_shows_the_dark_frames(darkroom: Run, truths: Path, small_model: str) -> None:
    line = ("--simulate", truths, "--model", small_model, *TINY, "-q", "--report", "page.html")
    assert darkroom("eval", *line).code == 0
    assert Path("page.html").read_text().count('data-view="source"') == 2
