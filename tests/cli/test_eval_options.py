from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.cli.eval_options import GOES_WITH, WAYS
from tests.cli.eval_pictures import write_truths

Run = Callable[..., Any]
VALUES = {
    "camera": "sony-a7s2",
    "noise": "told",
    "views": "2",
    "device": "cpu",
    "engine": "torch",
    "precision": "fp32",
    "model": "grey",
}


@pytest.mark.parametrize("name", GOES_WITH)
def test_an_option_of_another_way_is_refused(darkroom: Run, tmp_path: Path, name: str) -> None:
    folder = write_truths(tmp_path / "truths")
    option = f"--{name.replace('_', '-')}"
    value = () if name == "guided_filter" else (VALUES.get(name, "1"),)
    ended = darkroom("eval", folder, folder, option, *value)
    needed = " or ".join(f"--{way}" for way in GOES_WITH[name])
    assert ended.code == 2
    assert f"{option} goes with {needed}" in ended.err
    for way in {*WAYS} - {*GOES_WITH[name]}:
        ended = darkroom("eval", f"--{way}", folder, option, *value)
        assert (ended.code, f"goes with {needed}" in ended.err) == (2, True)


@pytest.mark.parametrize(
    "line",
    ["a", "a b --nir a", "a --simulate b", "--simulate a --nir b", "b c --nir a", "a b --pairs c"],
)
def test_one_way_at_a_time(darkroom: Run, line: str) -> None:
    for name in "abc":
        Path(name).mkdir()
    ended = darkroom("eval", *line.split())
    assert ended.code == 2
    assert "name two folders" in ended.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--nir a --protocol plain", "--pairs or two folders"),
        ("--simulate a --protocol sid-562", "--pairs or two folders"),
        ("--pairs a --protocol eld-illum --plots p", "no pictures"),
        ("a b --protocol sid", "Invalid value for '--protocol'"),
        ("--pairs gone", "neither a file nor a folder"),
        ("--pairs a", "no such folder"),
        ("--pairs list.txt", "line 1"),
    ],
)
def test_a_protocol_needs_pairs_or_folders(darkroom: Run, line: str, words: str) -> None:
    for name in "ab":
        Path(name).mkdir()
    Path("list.txt").write_text("one\n")
    ended = darkroom("eval", *line.split())
    assert ended.code == 2
    assert words in " ".join(ended.err.split())


def test_folders_must_be_there(darkroom: Run) -> None:
    for line in (["gone", "gone"], ["--nir", "gone"], ["--nir", ""], ["--simulate", "gone"]):
        assert darkroom("eval", *line).code == 2
