import io
import os
import pickle
import random
import struct
from collections.abc import Iterable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from darkroom.errors import EnvironmentProblem
from darkroom.networks import NETWORKS
from darkroom.zoo.card import Card
from darkroom.zoo.header import FILE_LIMIT, HEADER_LIMIT, read_card
from darkroom.zoo.weights import (
    build_network,
    digest,
    load_weights,
    save_weights,
    verify,
)

NOISE = torch.full((1, 8), 1e-3)


def rewrite(path: Path, **changes: object) -> None:
    """Change tensors or card of a weights file without anything noticing on the way."""
    weights = load_weights(path)
    tensors = {**weights.tensors, **changes.pop("tensors", {})}  # type: ignore[dict-item]
    card = copy(weights.card)
    vars(card).update(changes)  # unchecked, unlike `replace`
    vars(card)["sha256"] = digest(card, tensors)
    header = card.to_header()
    safetensors.torch.save_file(tensors, path, metadata=header)


def test_saved_weights_give_the_same_pictures(tiny: Path) -> None:
    weights = load_weights(tiny)
    network = build_network(weights, device="cpu")
    original = NETWORKS["fast-unet"](**weights.card.config)
    original.load_state_dict({k: v.float() for k, v in weights.tensors.items()})
    planes = torch.rand(1, 4, 16, 16)
    with torch.inference_mode():
        assert torch.equal(network(planes, NOISE), original(planes, NOISE))


def test_half_precision_is_kept_in_the_file_only(tiny: Path) -> None:
    weights = load_weights(tiny)
    assert {tensor.dtype for tensor in weights.tensors.values()} == {torch.float16}
    network = build_network(weights, device="cpu")
    assert {tensor.dtype for tensor in network.parameters()} == {torch.float32}
    assert not any(tensor.requires_grad for tensor in network.parameters())


def test_buffers_stay_exact(tmp_path: Path) -> None:
    network = nn.BatchNorm2d(2)
    assert network.running_mean is not None
    network.running_mean.fill_(1.0001)
    path = tmp_path / "norm.safetensors"
    save_weights(path, Card(name="norm", network="unet", halo=0, multiple_of=1), network)
    tensors = safetensors.torch.load(path.read_bytes())
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {
        "weight": torch.float16,
        "bias": torch.float16,
        "running_mean": torch.float32,
        "running_var": torch.float32,
        "num_batches_tracked": torch.float32,
    }
    assert torch.equal(tensors["running_mean"], network.running_mean)


def test_card_can_be_read_alone(tiny: Path) -> None:
    assert read_card(tiny) == load_weights(tiny).card == verify(tiny)
    assert len(read_card(tiny).sha256) == 64


def accepted(path: Path, damaged: Iterable[bytes]) -> int:
    """Write each content to the file and return how many of them load."""
    count = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            load_weights(path)
            count += 1
        except EnvironmentProblem:
            pass
    return count


def flipped(whole: bytes, bits: Iterable[int]) -> Iterator[bytes]:
    """Yield the content with one bit flipped, for each of the bits."""
    for bit in bits:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        yield bytes(damaged)


def header_size(whole: bytes) -> int:
    return int(struct.unpack("<Q", whole[:8])[0])


@pytest.mark.parametrize(
    ("flips", "cuts"), [(50, 50), pytest.param(1000, 100, marks=pytest.mark.slow)]
)
def test_every_flipped_bit_and_every_cut_is_noticed(tiny: Path, flips: int, cuts: int) -> None:
    whole = tiny.read_bytes()
    chance = random.Random(0)
    bits = chance.sample(range(8 * len(whole)), flips)
    lengths = chance.sample(range(len(whole)), cuts)
    assert accepted(tiny, flipped(whole, bits)) == 0
    assert accepted(tiny, (whole[:length] for length in lengths)) == 0
    assert accepted(tiny, [whole]) == 1


def test_every_bit_of_the_size_and_of_the_padding_counts(tiny: Path) -> None:
    whole = tiny.read_bytes()
    end = 8 + header_size(whole)
    padding = end - len(whole[:end].rstrip(b" "))
    around = [*range(8 * 8), *range(8 * (end - padding - 2), 8 * (end + 2))]
    assert accepted(tiny, flipped(whole, around)) == 0


@pytest.mark.slow
def test_bits_in_every_byte_of_the_header_count(tiny: Path) -> None:
    whole = tiny.read_bytes()
    every_seventh = range(0, 8 * (8 + header_size(whole)), 7)
    assert accepted(tiny, flipped(whole, every_seventh)) == 0


def rewritten_header(whole: bytes, text: bytes) -> bytes:
    """Return the file with another header, padded as safetensors does."""
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + whole[8 + header_size(whole) :]


def odd_headers(whole: bytes) -> dict[str, bytes]:
    """Return files whose header means the same, or nothing at all, in unusual bytes."""
    text = whole[8 : 8 + header_size(whole)].rstrip(b" ")
    first, padded = text.split(b",", 1)[0], text + b" " * 800
    return {
        "spaces": rewritten_header(whole, text.replace(b":", b": ")),
        "more padding": struct.pack("<Q", len(padded)) + padded + whole[8 + header_size(whole) :],
        "a name twice": rewritten_header(whole, text.replace(b'{"__', first + b'},"__', 1)),
        "escapes": rewritten_header(whole, text.replace(b"__metadata__", b"__metad\\u0061ta__")),
        "bytes behind": whole + b"\0" * 8,
        "an extra card line": rewritten_header(
            whole, text.replace(b'"__metadata__":{', b'"__metadata__":{"author":"\\"me\\"",')
        ),
        "a number differently": rewritten_header(whole, text.replace(b'"16"', b'"16.0"')),
        "deep": rewritten_header(whole, b'{"a":' * 100_000),
        "a list": rewritten_header(whole, b"[1,2]"),
        "not UTF-8": rewritten_header(whole, b'{"\xff":1}'),
        "UTF-16": rewritten_header(whole, '{"a":1}'.encode("utf-16")),
        "a huge number": rewritten_header(whole, b'{"a":' + b"9" * 100_000 + b"}"),
    }


def test_a_header_in_unusual_bytes_is_refused(tiny: Path) -> None:
    whole = tiny.read_bytes()
    assert accepted(tiny, [rewritten_header(whole, whole[8 : 8 + header_size(whole)])]) == 1
    odd = odd_headers(whole)
    assert all(content != whole for content in odd.values())
    assert [name for name, content in odd.items() if accepted(tiny, [content])] == []


def test_a_header_over_the_limit_is_refused_unread(tiny: Path) -> None:
    text = b'{"a":"' + b"x" * HEADER_LIMIT + b'"}'
    tiny.write_bytes(rewritten_header(tiny.read_bytes(), text))
    for read in (load_weights, read_card):
        with pytest.raises(EnvironmentProblem, match="no safetensors file"):
            read(tiny)


def test_a_file_over_the_limit_is_refused_unread(tiny: Path) -> None:
    with tiny.open("r+b") as file:
        file.truncate(FILE_LIMIT + 1)  # a hole: it takes no room
    with pytest.raises(EnvironmentProblem, match="too large"):
        load_weights(tiny)


def test_a_file_that_changes_while_it_is_read_is_refused(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tiny.read_bytes()
    real = os.fstat

    def before(descriptor: int) -> os.stat_result:  # as it was before somebody wrote to it
        return os.stat_result((*real(descriptor)[:6], len(whole) - 8, 0, 0, 0))

    monkeypatch.setattr("darkroom.zoo.header.os.fstat", before)
    with pytest.raises(EnvironmentProblem, match="changed"):
        load_weights(tiny)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name here")
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    (tmp_path / "endless.safetensors").symlink_to("/dev/zero")
    for path in tmp_path.iterdir():
        for read in (load_weights, read_card):
            with pytest.raises(EnvironmentProblem, match="no regular file"):
                read(path)


def test_a_changed_card_is_noticed(tiny: Path) -> None:
    whole = tiny.read_bytes()
    tiny.write_bytes(whole.replace(b'"halo":"16"', b'"halo":"12"'))
    assert tiny.read_bytes() != whole
    with pytest.raises(EnvironmentProblem, match="sha256"):
        load_weights(tiny)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_refused(tiny: Path, share: float) -> None:
    whole = tiny.read_bytes()
    tiny.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(EnvironmentProblem):
        load_weights(tiny)


def test_code_in_disguise_is_refused_and_never_run(tmp_path: Path, tiny: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (canary,))

    pickled = pickle.dumps(Evil())
    archive = io.BytesIO()
    torch.save({"weights": Evil()}, archive)
    np.save(tmp_path / "evil.npy", np.array([Evil()], object), allow_pickle=True)
    disguises = [
        pickled,
        archive.getvalue(),
        (tmp_path / "evil.npy").read_bytes(),
        struct.pack("<Q", len(pickled)) + pickled,
        rewritten_header(tiny.read_bytes(), pickled),
    ]
    for suffix in (".safetensors", ".pth"):
        assert accepted(tmp_path / f"evil{suffix}", disguises) == 0
    assert not canary.exists()
    pickle.loads(pickled)
    assert canary.exists()  # so the file would have done it


def test_values_that_are_not_numbers_are_refused(tiny: Path) -> None:
    rewrite(tiny, tensors={"head.bias": torch.full((12,), torch.nan, dtype=torch.float16)})
    with pytest.raises(EnvironmentProblem, match="not numbers"):
        load_weights(tiny)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"extra": torch.zeros(1)}, "it has no extra"),
        ({"head.bias": torch.zeros(13)}, r"head.bias has shape \(13,\) and needs \(12,\)"),
        ({"head.bias": torch.zeros(12, 1)}, "head.bias has shape"),
    ],
)
def test_tensors_that_do_not_fit_the_network_are_refused(
    tensors: dict[str, torch.Tensor], words: str, tiny: Path
) -> None:
    rewrite(tiny, tensors=tensors)
    with pytest.raises(EnvironmentProblem, match=words):
        load_weights(tiny)


def test_a_missing_tensor_is_named(tiny: Path) -> None:
    weights = load_weights(tiny)
    tensors = {name: tensor for name, tensor in weights.tensors.items() if name != "head.bias"}
    card = replace(weights.card, sha256=digest(weights.card, tensors))
    safetensors.torch.save_file(tensors, tiny, metadata=card.to_header())
    with pytest.raises(EnvironmentProblem, match=r"head\.bias is missing"):
        load_weights(tiny)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.int8, torch.bool])
def test_only_half_and_single_precision_is_taken(kind: torch.dtype, tiny: Path) -> None:
    weights = load_weights(tiny)
    tensors = {**weights.tensors, "head.bias": torch.zeros(12).to(kind)}
    safetensors.torch.save_file(tensors, tiny, metadata=weights.card.to_header())
    with pytest.raises(EnvironmentProblem, match="weights are F16 or F32"):
        load_weights(tiny)


def test_single_precision_is_taken(tiny: Path) -> None:
    rewrite(tiny, tensors={"head.bias": torch.zeros(12)})
    assert load_weights(tiny).tensors["head.bias"].dtype == torch.float32


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "transformer"}, "unknown network"),
        ({"config": {"depth": 3}}, "do not fit"),
        ({"config": {"blocks": 3}}, "do not fit"),
        ({"config": {"width": 8}}, "do not fit"),
        ({"network": "unet", "config": {"levels": 0}}, "do not fit"),
        ({"network": "unet", "config": {"levels": 1024}}, "do not fit"),
        ({"config": {"width": 10**9}}, "no darkroom card"),
        ({"config": {"blocks": [1000] * 1000}}, "no darkroom card"),
        ({"halo": 10**400}, "no darkroom card"),
        ({"name": "../evil"}, "no darkroom card"),
    ],
)
def test_a_card_that_lies_is_refused(tiny: Path, changes: dict[str, object], words: str) -> None:
    rewrite(tiny, **changes)
    with pytest.raises(EnvironmentProblem, match=words):
        load_weights(tiny)


def test_missing_weights_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be read"):
        load_weights(tmp_path / "none.safetensors")


def test_a_header_larger_than_the_file_is_refused(tiny: Path) -> None:
    tiny.write_bytes(struct.pack("<Q", 1 << 40) + tiny.read_bytes()[8:])
    with pytest.raises(EnvironmentProblem, match="cut short"):
        load_weights(tiny)


def test_saving_replaces_the_file_and_digest(tiny: Path) -> None:
    before = read_card(tiny)
    network = NETWORKS["fast-unet"](**before.config)
    after = save_weights(tiny, before, network)
    assert after.sha256 != before.sha256
    assert verify(tiny) == after


def test_equal_weights_are_equal_files(tiny: Path) -> None:
    card = read_card(tiny)
    network = NETWORKS["fast-unet"](**card.config)
    contents = set()
    for _ in range(3):
        save_weights(tiny, card, network)
        contents.add(tiny.read_bytes())
    assert len(contents) == 1
    verify(tiny)
