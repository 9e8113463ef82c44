import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.eval_pictures import scene, write, write_truths

Run = Callable[..., Any]


@pytest.fixture
def truths(tmp_path: Path) -> Path:
    return write_truths(tmp_path / "truths")


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
        "eval truths truths --plots full",
        "eval --simulate truths --nir truths",
        "eval truths --nir truths",
        "eval truths truths --by-category --eps 1e-3",
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
    write(Path("full/plot.png"), scene())
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


def test_folders_of_pictures_get_lines_and_every_picture_a_plot(
    darkroom: Run, truths: Path
) -> None:
    write(truths / "night" / "t2.png", scene(2))
    write(Path("clean/t0.tif"), scene(0) + np.uint8(10))
    write(Path("clean/night/t2.tif"), scene(2) + np.uint8(20))
    ended = darkroom("eval", "clean", truths, "--by-category", "--plots", "plots", "-q")
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert lines[1][:3] == ["clean", "2", "0"]
    assert ["night", "1", "0", "22.11"] in [line[:4] for line in lines]
    assert sorted(p.relative_to("plots").as_posix() for p in Path("plots").rglob("*.png")) == [
        "clean/pictures/night/t2.png",
        "clean/pictures/t0.png",
        "clean/scatter.png",
    ]
    assert darkroom("eval", "clean", truths, "--plots", "plots").code == 2
    assert darkroom("eval", "clean", truths, "--plots", "plots", "--overwrite").code == 0


def test_a_file_that_cannot_be_written_costs_neither_the_table_nor_the_others(
    darkroom: Run, truths: Path
) -> None:
    Path("plots").mkdir()
    Path("plots/truths").write_text("in the way")
    for folder in ("s.csv", "page.html"):
        Path(folder).mkdir()
    files = "--csv s.csv --json s.json --plots plots --report page.html --overwrite -q"
    ended = darkroom("eval", truths, truths, *files.split())
    assert ended.code == 1
    assert ended.out.splitlines()[1].split()[:3] == [str(truths), "2", "0"]
    assert json.loads(Path("s.json").read_text())["methods"][0]["pictures"] == 2
    for name in ("s.csv", "page.html"):
        assert f"{name} is a folder" in ended.err
    assert "plots/truths" in ended.err
