import json
from pathlib import Path

import pytest

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.zoo.contents import read_contents
from darkroom.zoo.onnx_file import export_onnx, facts_of

onnx = pytest.importorskip("onnx")


def test_a_model_becomes_a_file_with_its_card(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "tiny.onnx"
    card = export_onnx(str(tiny), target)
    assert card == read_contents(tiny).card
    model = onnx.load(target)
    assert {entry.key: entry.value for entry in model.metadata_props} == facts_of(card)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_the_facts_are_words_and_json(tiny: Path) -> None:
    card = read_contents(tiny).card
    facts = facts_of(card)
    assert facts["darkroom.name"] == "tiny"
    assert facts["darkroom.sha256"] == card.sha256
    assert int(facts["darkroom.multiple_of"]) == card.multiple_of
    assert json.loads(facts["darkroom.config"]) == card.config


def test_a_file_that_exists_is_kept(tiny: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.onnx"
    target.write_text("mine")
    with pytest.raises(UsageProblem, match="--overwrite"):
        export_onnx(str(tiny), target)
    assert target.read_text() == "mine"
    export_onnx(str(tiny), target, overwrite=True)
    assert onnx.load(target).graph.name


def test_damaged_weights_are_not_exported(tiny: Path, tmp_path: Path) -> None:
    content = bytearray(tiny.read_bytes())
    content[-1] ^= 1
    tiny.write_bytes(content)
    with pytest.raises(EnvironmentProblem, match="damaged"):
        export_onnx(str(tiny), tmp_path / "tiny.onnx")
    assert not (tmp_path / "tiny.onnx").exists()
