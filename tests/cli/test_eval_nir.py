import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights
from tests.cli.eval_pictures import scene, write

Run = Callable[..., Any]
CPU = ("--device", "cpu", "--quiet")


class Tint(nn.Module):
    """Colours of one brightness: every pixel keeps its own."""

    halo, multiple_of, bytes_per_pixel = 0, 1, 64

    def __init__(self) -> None:
        super().__init__()
        self.tint = nn.Parameter(torch.tensor([0.5, 0.75, 1.0]))

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return planes[:, :1] * self.tint[:, None, None]


class Bleach(Tint):
    """One grey of three colours."""

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return (planes * self.tint[:, None, None]).sum(1, keepdim=True) / 2.25


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the weights of a model for each direction."""
    spaces = {"tint": (Tint, "nir", "srgb"), "bleach": (Bleach, "srgb", "nir")}
    for name, (kind, source, made) in spaces.items():
        monkeypatch.setitem(NETWORKS, name, kind)  # type: ignore[arg-type]
        card = Card(
            name=name,
            network=name,
            task="colorize",
            input_space=source,
            output_space=made,
            noise_map=False,
            halo=0,
            multiple_of=1,
        )
        (tmp_path / "models").mkdir(exist_ok=True)
        save_weights(tmp_path / "models" / f"{name}.safetensors", card, kind())
    monkeypatch.setenv("DARKROOM_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Three near-infrared pairs in two folders, and a file without a partner."""
    for seed, name in enumerate(("urban/1", "water/1", "water/2")):
        colour = scene(seed)
        write(tmp_path / "pairs" / f"{name}_rgb.png", colour)
        write(tmp_path / "pairs" / f"{name}_nir.png", colour[..., 2])
    write(tmp_path / "pairs" / "lone_nir.png", scene()[..., 0])
    return tmp_path / "pairs"


def test_models_are_scored_on_what_colorize_writes(
    darkroom: Run, pairs: Path, models: Path
) -> None:
    ended = darkroom("eval", "--nir", pairs, "--model", "tint", *CPU, "--json", "pairs.json")
    assert ended.code == 0
    for name in ("urban/1", "water/1", "water/2"):
        line = (pairs / f"{name}_nir.png", "--model", "tint", "--device", "cpu")
        assert darkroom("colorize", *line, "-o", f"made/{name}").code == 0
        Path(f"made/{name}/{Path(name).name}_nir.png.tif").rename(f"made/{name}.tif")
        write(Path(f"truths/{name}.png"), scene(("urban/1", "water/1", "water/2").index(name)))
    assert darkroom("eval", "made", "truths", "--json", "files.json").code == 0
    ours, theirs = (json.loads(Path(f"{n}.json").read_text()) for n in ("pairs", "files"))
    scores = [[p["scores"] for p in e["methods"][0]["each"]] for e in (ours, theirs)]
    assert scores[0] == scores[1]
    assert ours["methods"][0]["model"] == "tint"
    assert len(ours["methods"][0]["sha256"]) == 64
    assert "--radius 5 --eps 1e-05" in ours["protocol"]["results"]
    assert ours["lone_sources"] == [str(pairs / "lone_nir.png")]


def test_grey_is_the_near_infrared_picture_itself(darkroom: Run, pairs: Path) -> None:
    for path in pairs.rglob("*_rgb.png"):
        grey = scene()[..., 0]
        write(path, np.repeat(grey[..., None], 3, axis=-1))
        write(path.with_name(path.name.replace("_rgb", "_nir")), grey)
    ended = darkroom("eval", "--nir", pairs, "--model", "grey", "-q", "--csv", "s.csv")
    assert ended.code == 0
    with Path("s.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["category"] for line in lines] == ["urban", "water", "water"]
    assert {line["psnr"] for line in lines} == {"inf"}
    assert {line["angular"] for line in lines} == {"0.0"}


def test_categories_and_plots_of_several_models(darkroom: Run, pairs: Path, models: Path) -> None:
    wanted = ("--model", "tint", "--model", "grey", "--by-category", "--plots", "plots")
    ended = darkroom("eval", "--nir", pairs, *wanted, *CPU)
    assert ended.code == 0
    lines = [line.split()[:3] for line in ended.out.splitlines()]
    assert lines[1] == ["tint", "3", "0"]
    assert lines[3:6] == [["urban", "1", "0"], ["water", "2", "0"], ["grey", "3", "0"]]
    drawn = {path.relative_to("plots").as_posix() for path in Path("plots").rglob("*.png")}
    assert len(drawn) == 8
    assert {"tint/scatter.png", "grey/pictures/water/2.png"} <= drawn


def test_the_other_direction_is_scored_against_near_infrared(
    darkroom: Run, pairs: Path, models: Path
) -> None:
    ended = darkroom("eval", "--nir", pairs, "--model", "bleach", *CPU, "--json", "s.json")
    assert ended.code == 0
    row = json.loads(Path("s.json").read_text())["methods"][0]
    assert [Path(each["truth"]).name for each in row["each"]] == [f"{n}_nir.png" for n in (1, 1, 2)]
    assert row["scores"]["angular"]["mean"] == 0


def test_the_settings_of_colorize_count_and_are_said(
    darkroom: Run, pairs: Path, models: Path
) -> None:
    line = ("eval", "--nir", pairs, "--model", "tint", *CPU)
    changes = {
        "plain": ("--no-guided-filter",),
        "wide": ("--radius", "9", "--eps", "0.1"),
        "light": ("--keep-nir-luminance", "1"),
    }
    records = {}
    for name, options in changes.items():
        assert darkroom(*line, *options, "--json", f"{name}.json").code == 0
        records[name] = json.loads(Path(f"{name}.json").read_text())
        assert " ".join(options) in records[name]["protocol"]["results"]
    assert len({r["methods"][0]["scores"]["psnr"]["mean"] for r in records.values()}) == 3


def test_wrong_use_is_told(darkroom: Run, pairs: Path, models: Path, small_model: str) -> None:
    line = ("eval", "--nir", pairs)
    assert darkroom(*line, "--model", "tint", "--no-guided-filter", "--eps", "0.1").code == 2
    assert darkroom(*line, "--model", "grey", "--eps", "0").code == 2
    assert darkroom(*line, "--model", small_model).code == 2
    assert darkroom(*line, "--model", "gone").code == 4
    assert darkroom("eval", "--nir", models, "--model", "grey").code == 3
    write(pairs / "urban" / "1_nir.jpg", scene())
    ended = darkroom(*line, "--model", "grey")
    assert ended.code == 2
    assert "several files" in ended.err


def test_a_pair_that_fails_is_counted_and_the_others_are_scored(
    darkroom: Run, pairs: Path, models: Path
) -> None:
    write(pairs / "urban" / "1_nir.png", scene())
    ended = darkroom("eval", "--nir", pairs, "--model", "tint", "--model", "grey", *CPU)
    assert ended.code == 1
    assert "tint: urban/1: E_UNSUPPORTED" in ended.err
    assert "grey: urban/1: E_UNSUPPORTED" in ended.err
    assert ended.out.splitlines()[1].split()[:3] == ["tint", "3", "1"]
