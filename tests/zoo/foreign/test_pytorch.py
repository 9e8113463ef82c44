import io
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.foreign.pytorch import read_pytorch, refusal, without_prefix

ONE = torch.ones(2, 3)


def saved(what: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(what, file, **options)
    file.seek(0)
    return file


class Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("new", [True, False])
def test_both_file_formats_are_read(new: bool) -> None:
    file = saved(OrderedDict({"a.weight": ONE}), _use_new_zipfile_serialization=new)
    (tensors,) = read_pytorch(file)
    assert torch.equal(tensors["a.weight"], ONE)


@pytest.mark.parametrize("new", [True, False])
def test_nothing_in_a_file_is_run(new: bool, tmp_path: Path) -> None:
    target = tmp_path / "made"
    file = saved({"a": ONE, "b": Evil(target)}, _use_new_zipfile_serialization=new)
    with pytest.raises(EnvironmentProblem, match=r"asks to run \w+\.mkdir"):
        read_pytorch(file)
    assert not target.exists()


def test_a_flipped_bit_is_noticed() -> None:
    content = bytearray(saved({"a.weight": torch.full((64,), 1.5)}).getvalue())
    where = content.index(b"\x00\x00\xc0\x3f" * 8)  # 1.5
    content[where + 40] ^= 1
    with pytest.raises(EnvironmentProblem, match="damaged on its way"):
        read_pytorch(io.BytesIO(bytes(content)))


def test_whole_networks_are_refused_with_advice() -> None:
    with pytest.raises(EnvironmentProblem, match=r"torch\.nn.*save its weights alone"):
        read_pytorch(saved(nn.Linear(1, 1)))


@pytest.mark.filterwarnings("ignore")
def test_programs_are_refused() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), file)
    file.seek(0)
    with pytest.raises(EnvironmentProblem, match="TorchScript"):
        read_pytorch(file)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut", b"\x80\x02}q\x00."])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(EnvironmentProblem, match="no file of weights"):
        read_pytorch(io.BytesIO(content))


@pytest.mark.parametrize("share", [0, 2])
def test_a_file_that_was_cut_is_to_be_got_again(share: int) -> None:
    content = saved({"a.weight": torch.ones(99)}).getvalue()
    with pytest.raises(EnvironmentProblem, match=r"cut short.*get it again"):
        read_pytorch(io.BytesIO(content[: share * len(content) // 4]))


def test_weights_for_use_come_before_others() -> None:
    inner = {"x": ONE}
    everything = {
        "optimizer": {"state": {0: {"step": ONE}}},
        "state_dict": inner | {"of": ONE},
        "params": inner | {"params": ONE},
        "params_deploy": inner | {"best": ONE},
        "epoch": 3,
    }
    found = [set(tensors) for tensors in read_pytorch(saved(everything))]
    assert found[0] == {"x", "best"}
    assert found[1] == {"x", "params"}
    assert found[2] == {"x", "of"}


def test_integers_and_sparse_tensors_are_no_weights() -> None:
    what = {"a": ONE, "n": torch.ones(2, dtype=torch.int64), "s": ONE.to_sparse()}
    (tensors,) = read_pytorch(saved(what))
    assert set(tensors) == {"a"}


@pytest.mark.parametrize(
    ("names", "bare"),
    [
        (["module.a.weight", "module.b.weight"], ["a.weight", "b.weight"]),
        (["net.module.a.bias", "net.module.b.c.bias"], ["a.bias", "b.c.bias"]),
        (["a.weight", "a.bias"], ["a.weight", "a.bias"]),
        (["a.b.weight", "c.b.weight"], ["a.b.weight", "c.b.weight"]),
    ],
)
def test_names_of_wrappers_are_removed(names: list[str], bare: list[str]) -> None:
    assert list(without_prefix(dict.fromkeys(names, ONE))) == bare


def test_reasons_are_told_in_words() -> None:
    assert "posix.system" in refusal("GLOBAL posix.system was not an allowed global")
    assert "safely" in refusal("something else")
