import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.cli.eval_exposures import listed
from darkroom.cli.eval_options import ProtocolName
from darkroom.measure.protocols import PROTOCOLS
from tests.learning.pair_files import write_scenes

Run = Callable[..., Any]
SCENES = ("00002", "10003", "10034", "20005")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    return write_scenes(tmp_path / "sid", SCENES)


def score(darkroom: Run, pairs: Path, model: str, name: str) -> dict[str, Any]:
    line = ("--pairs", pairs, "--protocol", name, "--model", model, "--device", "cpu", "-q")
    ended = darkroom("eval", *line, "--json", f"{name}.json", "--csv", f"{name}.csv")
    assert (ended.code, ended.err) == (0, "")
    assert f"protocol {name}: " in ended.out
    record: dict[str, Any] = json.loads(Path(f"{name}.json").read_text())
    assert record["protocol"]["protocol"] == name
    return record


def names(record: dict[str, Any]) -> list[str]:
    return [picture["name"] for picture in record["methods"][0]["each"]]


@pytest.mark.slow
def test_each_protocol_takes_its_pairs_and_states_itself(
    darkroom: Run, pairs: Path, small_model: str
) -> None:
    records = {name: score(darkroom, pairs, small_model, name) for name in PROTOCOLS}
    of_scene = {s: [f"x100/{s}_00_0.1s", f"x250/{s}_01_0.04s"] for s in SCENES}
    assert names(records["sid-598"]) == of_scene["10003"] + of_scene["10034"]
    assert names(records["sid-562"]) == of_scene["10003"]
    assert names(records["sid-00-93"]) == ["x100/10003_00_0.1s", "x100/10034_00_0.1s"]
    for name in ("plain", "eld-illum", "raw-full"):
        assert names(records[name]) == [n for s in SCENES for n in of_scene[s]]
    sid, eld = records["sid-598"]["protocol"], records["eld-illum"]["protocol"]
    assert "8 bits" in sid["bit_depth"]
    assert "MATLAB" in sid["ssim"]
    assert "AHD" in sid["truths"]
    assert "one factor" in eld["alignment"]
    assert "512" in eld["crop"]
    assert {*records["eld-illum"]["methods"][0]["scores"]} == {"psnr", "ssim", "mse"}
    method = records["sid-598"]["methods"][0]
    assert {*method["categories"]} == {"x100", "x250"}
    assert len(method["sha256"]) == 64
    corrected, plain = (
        records[name]["methods"][0]["scores"]["psnr"]["mean"] for name in ("eld-illum", "raw-full")
    )
    assert corrected >= plain
    with Path("raw-full.csv").open() as file:
        line = next(csv.DictReader(file))
    assert (line["category"], line["cie76"], line["ms_ssim"]) == ("x100", "", "")


def test_a_missing_frame_fails_alone(darkroom: Run, pairs: Path, small_model: str) -> None:
    (pairs.parent / "Sony/short/10003_01_0.04s.dng").unlink()
    line = ("--pairs", pairs, "--protocol", "sid-562", "--model", small_model, "--device", "cpu")
    ended = darkroom("eval", *line)
    assert ended.code == 1
    assert "10003_01_0.04s: E_NOT_REGULAR" in ended.err
    assert ended.out.splitlines()[1].split()[1:3] == ["2", "1"]


def test_nothing_that_a_protocol_takes_ends_with_3(
    darkroom: Run, tmp_path: Path, small_model: str
) -> None:
    pairs = write_scenes(tmp_path / "sid", ("00002",))
    ended = darkroom("eval", "--pairs", pairs, "--protocol", "sid-562", "--model", small_model)
    assert ended.code == 3
    assert "no name belongs to sid-562" in ended.err
    pairs.write_text("# nothing\n")
    assert darkroom("eval", "--pairs", pairs).code == 3


def test_finished_pictures_are_no_planes(darkroom: Run, pairs: Path, small_srgb_model: str) -> None:
    line = ("--pairs", pairs, "--protocol", "raw-full", "--model", small_srgb_model)
    ended = darkroom("eval", *line, "--device", "cpu")
    assert ended.code == 2
    assert "compares RAW planes" in ended.err


def test_lists_and_folders_are_read_once_each(pairs: Path) -> None:
    folder = pairs.parent / "Sony"
    found = listed([pairs, pairs])
    assert len(found) == 2 * len(SCENES)
    assert {round(pair.ratio or 0) for pair in found} == {100, 250}
    assert sorted(pair.short.name for pair in listed([folder])) == sorted(
        pair.short.name for pair in found
    )


def test_every_protocol_can_be_named() -> None:
    assert [name.value for name in ProtocolName] == [*PROTOCOLS]
