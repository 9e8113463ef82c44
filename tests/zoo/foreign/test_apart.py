import os
from pathlib import Path
from typing import Any

import pytest
import torch

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.foreign.apart import parts_of, read_checkpoint, tensors_of
from tests.zoo.foreign.checkpoints import lively, sid_names, tensorflow, write_bundle


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_checkpoint_comes_through_the_process(tmp_path: Path) -> None:
    weights, path = sid_names(lively("raw-unet")), tmp_path / "weights.pth"
    torch.save({"params": weights}, path)
    read = read_checkpoint(path)
    assert read.keys() == weights.keys()
    assert all(torch.equal(read[name], weights[name]) for name in read)


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.pth", tmp_path / "made"
    torch.save({"conv1_1.weight": torch.ones(1), "evil": Evil(target)}, path)
    with pytest.raises(EnvironmentProblem, match=r"evil\.pth: it asks to run"):
        read_checkpoint(path)
    assert not target.exists()


def test_the_files_of_tensorflow_are_found_by_any_of_them(tmp_path: Path) -> None:
    index = write_bundle(tmp_path / "model.ckpt", tensorflow(lively("unet")))
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    (tmp_path / "model.ckpt.meta").write_bytes(b"graph")
    for name in ("model.ckpt", "model.ckpt.meta", index.name, data.name):
        assert parts_of(tmp_path / name) == [index, data]
    data.unlink()
    with pytest.raises(EnvironmentProblem, match="data-00000-of-00001 is missing"):
        parts_of(index)


def test_an_index_of_something_else_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "book.index").write_bytes(b"a, b, c")
    with pytest.raises(EnvironmentProblem, match="no index of TensorFlow"):
        parts_of(tmp_path / "book.index")


def test_what_cannot_be_opened_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.pth"):
        with pytest.raises(EnvironmentProblem, match="cannot be read"):
            read_checkpoint(path)


def test_a_reader_that_dies_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.zoo.foreign.apart.COMMAND", ("false",))
    (tmp_path / "weights.pth").write_bytes(b"nonsense")
    with pytest.raises(EnvironmentProblem, match="more time or memory"):
        read_checkpoint(tmp_path / "weights.pth")


def test_too_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("darkroom.zoo.foreign.apart.FILE_LIMIT", 4)
    (tmp_path / "weights.pth").write_bytes(b"nonsense")
    with pytest.raises(EnvironmentProblem, match="too large"):
        read_checkpoint(tmp_path / "weights.pth")


@pytest.mark.parametrize("told", [b"-it is \x1b[31mbad", b"+nonsense", b"+", b"?"])
def test_answers_are_not_believed(told: bytes) -> None:
    with pytest.raises(EnvironmentProblem) as raised:
        tensors_of(told, Path("weights.pth"))
    assert "\x1b" not in str(raised.value)
