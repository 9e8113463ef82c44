import io
import struct

import pytest
import safetensors.torch
import torch

from darkroom.zoo.foreign.worker import BAD, GOOD, answer
from tests.zoo.foreign.checkpoints import bundle, lively, sid_names, tensorflow


def saved(what: object) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(what, file)
    file.seek(0)
    return file


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return sid_names(lively("unet"))


def same(told: bytes, weights: dict[str, torch.Tensor]) -> bool:
    assert told[:1] == GOOD
    read = safetensors.torch.load(told[1:])
    return read.keys() == weights.keys() and all(torch.equal(read[k], weights[k]) for k in read)


def test_containers_of_every_kind(weights: dict[str, torch.Tensor]) -> None:
    wrapped = {f"module.{name}": tensor for name, tensor in weights.items()}
    led = {"params": {**weights, "extra.alpha": torch.ones(1)}, "params_deploy": weights}
    eld = {"netG": weights, "opt_g": {"state": {}}, "epoch": 2, "iterations": 5}
    for container in (weights, wrapped, led, eld, {"params": weights}, {"state_dict": wrapped}):
        assert same(answer([saved(container)]), weights)


def test_other_precisions_become_single(weights: dict[str, torch.Tensor]) -> None:
    for kind in (torch.float16, torch.float64):
        assert same(answer([saved({k: t.to(kind) for k, t in weights.items()})]), weights)


def test_safetensors_files_are_read(weights: dict[str, torch.Tensor]) -> None:
    plain = {name: tensor.contiguous() for name, tensor in weights.items()}
    assert same(answer([io.BytesIO(safetensors.torch.save(plain))]), weights)


def test_the_files_of_tensorflow_are_read() -> None:
    index, data = bundle(tensorflow(lively("unet")))
    told = answer([io.BytesIO(index), io.BytesIO(data)])
    assert told[:1] == GOOD
    names = safetensors.torch.load(told[1:]).keys()
    assert {"g_conv1_1/weights", "Variable", "Variable_3"} <= names
    assert not any("Adam" in name for name in names)


def test_what_is_not_known_is_listed() -> None:
    odd = {f"body.{n}.weight": torch.ones(n, 3) for n in range(1, 10)} | {"last": torch.ones(1)}
    told = answer([saved(odd)]).decode()
    assert told[:1] == BAD.decode()
    assert "body.1.weight [1, 3]" in told
    assert "and 4 more" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"", "no file of weights"),
        (struct.pack("<Q", 50) + b'{"a":', "damaged"),
    ],
)
def test_what_is_no_checkpoint_is_said(content: bytes, said: str) -> None:
    told = answer([io.BytesIO(content)])
    assert told[:1] == BAD
    assert said in told.decode()


def test_a_damaged_index_is_said() -> None:
    told = answer([io.BytesIO(b"nonsense" * 20), io.BytesIO()])
    assert told[:1] == BAD
    assert "get it again" in told.decode()


def test_tensors_that_claim_more_than_they_hold_are_refused_or_small() -> None:
    assert answer([saved({"a": torch.ones(1).expand(10**6)})])[:1] == BAD
