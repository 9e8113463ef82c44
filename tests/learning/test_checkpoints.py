from pathlib import Path

import pytest
import torch
from torch import nn

from darkroom.errors import EnvironmentProblem
from darkroom.learning.checkpoints import (
    LAST,
    PREVIOUS,
    read_checkpoint,
    restore,
    save_checkpoint,
)


def parts() -> tuple[nn.Module, nn.Module, torch.optim.Optimizer]:
    network, average = nn.Conv2d(2, 3, 3), nn.Conv2d(2, 3, 3)
    return network, average, torch.optim.AdamW(network.parameters(), lr=0.1)


def learn(network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    network(torch.ones(1, 2, 5, 5)).square().mean().backward()
    optimiser.step()


def save(run: Path, step: int, learned: tuple) -> None:
    network, average, optimiser = learned
    facts = {"step": step, "best": 1.5}
    save_checkpoint(run, network=network, average=average, optimiser=optimiser, facts=facts)


def test_a_restored_run_goes_on_exactly(tmp_path: Path) -> None:
    first, second = parts(), parts()
    learn(first[0], first[2])
    save(tmp_path, 1, first)
    found = read_checkpoint(tmp_path)
    assert found is not None
    assert found[1] == {"step": 1, "best": 1.5}
    restore(found[0], network=second[0], average=second[1], optimiser=second[2])
    for network, _, optimiser in (first, second):
        learn(network, optimiser)
    assert torch.equal(first[0].weight, second[0].weight)
    assert torch.equal(first[1].weight, second[1].weight)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path: Path) -> None:
    learned = parts()
    for step in (1, 2):
        learn(learned[0], learned[2])
        save(tmp_path, step, learned)
    assert read_checkpoint(tmp_path)[1]["step"] == 2  # type: ignore[index]
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[: len(whole) // 2])
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]
    (tmp_path / PREVIOUS).write_bytes(b"")
    with pytest.raises(EnvironmentProblem, match="no checkpoint"):
        read_checkpoint(tmp_path)


def test_a_write_that_fails_keeps_the_last_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = parts()
    learn(learned[0], learned[2])
    save(tmp_path, 1, learned)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", fail)
    with pytest.raises(Exception, match="space"):
        save(tmp_path, 2, learned)
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]


def test_a_new_run_has_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) is None
