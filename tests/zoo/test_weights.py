import pickle
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch

from darkroom.errors import EnvironmentProblem
from darkroom.networks import NETWORKS
from darkroom.zoo.weights import (
    build_network,
    digest,
    load_weights,
    read_card,
    save_weights,
    verify,
)

NOISE = torch.full((1, 8), 1e-3)


def rewrite(path: Path, **changes: object) -> None:
    """Change tensors or card of a weights file without anything noticing on the way."""
    weights = load_weights(path)
    tensors = {**weights.tensors, **changes.pop("tensors", {})}  # type: ignore[dict-item]
    card = weights.card.model_copy(update=changes)
    header = card.model_copy(update={"sha256": digest(card, tensors)}).to_header()
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


def test_card_can_be_read_alone(tiny: Path) -> None:
    assert read_card(tiny) == load_weights(tiny).card == verify(tiny)
    assert len(read_card(tiny).sha256) == 64


def test_every_flipped_bit_of_the_tensors_is_noticed(tiny: Path) -> None:
    whole = tiny.read_bytes()
    start = 8 + struct.unpack("<Q", whole[:8])[0]
    for position in range(start, len(whole), max(1, (len(whole) - start) // 40)):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << (position % 8)
        tiny.write_bytes(damaged)
        with pytest.raises(EnvironmentProblem):
            load_weights(tiny)


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


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (canary,))

    for suffix in (".safetensors", ".pth"):
        path = tmp_path / f"evil{suffix}"
        path.write_bytes(pickle.dumps(Evil()))
        with pytest.raises(EnvironmentProblem):
            load_weights(path)
    assert not canary.exists()


def test_values_that_are_not_numbers_are_refused(tiny: Path) -> None:
    rewrite(tiny, tensors={"head.bias": torch.full((12,), torch.nan, dtype=torch.float16)})
    with pytest.raises(EnvironmentProblem, match="not numbers"):
        load_weights(tiny)


def test_tensors_that_do_not_fit_the_network_are_refused(tiny: Path) -> None:
    rewrite(tiny, tensors={"extra": torch.zeros(1)})
    with pytest.raises(EnvironmentProblem, match="do not fit"):
        load_weights(tiny)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"network": "transformer"}, "unknown network"), ({"config": {"depth": 3}}, "do not fit")],
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
