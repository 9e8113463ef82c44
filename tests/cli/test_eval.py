import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from darkroom.camera.raw import NoiseLevel
from darkroom.camera.sensors import SENSORS, noise_level_of
from darkroom.evaluate import ToldDecoder

Run = Callable[..., Any]
SIZE = (64, 80)
TINY = ("--iso", "1600", "--ratio", "20", "--device", "cpu")


def write(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return path


def scene(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(60, 220, (4, 4, 3), np.uint8), SIZE[::-1])


@pytest.fixture
def truths(tmp_path: Path) -> Path:
    for seed in range(2):
        write(tmp_path / "truths" / f"t{seed}.png", scene(seed))
    return tmp_path / "truths"


def test_two_folders_are_compared(darkroom: Run, truths: Path) -> None:
    for seed in range(2):
        write(Path(f"clean/t{seed}.ARW.tif"), scene(seed) + np.uint8(10))
    ended = darkroom("eval", "clean", truths, "--csv", "s.csv", "--json", "s.json")
    assert ended.code == 0
    assert ended.out.splitlines()[1].split()[:4] == ["clean", "2", "0", "28.13"]
    assert "clean: t0: PSNR dB 28.13" in ended.err
    with Path("s.csv").open() as file:
        assert [line["picture"] for line in csv.DictReader(file)] == ["t0", "t1"]
    record = json.loads(Path("s.json").read_text())
    assert record["methods"][0]["scores"]["psnr"]["count"] == 2


def test_quiet_leaves_the_table_alone(darkroom: Run, truths: Path) -> None:
    ended = darkroom("eval", truths, truths, "--quiet", "--markdown")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("| method |")
    assert "| inf |" in ended.out


def test_failures_end_with_1_and_nothing_matched_with_3(darkroom: Run, truths: Path) -> None:
    write(Path("clean/t0.tif"), scene()[:-1])
    ended = darkroom("eval", "clean", truths, "--quiet")
    assert ended.code == 1
    assert "t0: E_UNSUPPORTED: the result is 80 x 63 pixels, its truth 80 x 64" in ended.err
    write(Path("other/z.tif"), scene())
    assert darkroom("eval", "other", truths).code == 3
    Path("empty").mkdir()
    assert darkroom("eval", "empty", truths).code == 3
    assert darkroom("eval", "--simulate", "empty").code == 3


@pytest.mark.parametrize(
    "line",
    [
        "eval truths",
        "eval truths truths --simulate truths",
        "eval truths gone",
        "eval truths truths --iso 800",
        "eval truths truths --model fast-unet",
        "eval truths truths --csv a --json a",
        "eval truths truths --csv taken",
        "eval --simulate truths --camera pinhole",
        "eval --simulate truths --ratio 0",
        "eval truths truths -q -v",
    ],
)
def test_wrong_use_is_told(darkroom: Run, truths: Path, line: str) -> None:
    Path("taken").write_text("mine")
    ended = darkroom(*line.split())
    assert ended.code == 2
    assert ended.out == ""
    assert Path("taken").read_text() == "mine"


def test_an_empty_name_is_no_folder(darkroom: Run, truths: Path) -> None:
    assert darkroom("eval", "", truths).code == 2
    assert darkroom("eval", "--simulate", "").code == 2


def test_overwrite_replaces(darkroom: Run, truths: Path) -> None:
    Path("s.csv").write_text("old")
    assert darkroom("eval", truths, truths, "--csv", "s.csv", "--overwrite").code == 0
    assert Path("s.csv").read_text().startswith("method,picture")


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

    monkeypatch.setattr("darkroom.evaluate.ToldDecoder", told_decoder)
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
