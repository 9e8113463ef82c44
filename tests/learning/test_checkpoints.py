import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from darkroom.errors import EnvironmentProblem, FileProblem
from darkroom.learning.checkpoints import (
    LAST,
    PREVIOUS,
    has_checkpoint,
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

    monkeypatch.setattr("os.write", fail)
    with pytest.raises(FileProblem, match="space"):
        save(tmp_path, 2, learned)
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]
    assert [path.name for path in tmp_path.iterdir()] == [LAST]


def test_a_damaged_checkpoint_does_not_push_out_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = parts()
    for step in (1, 2):
        learn(learned[0], learned[2])
        save(tmp_path, step, learned)
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[: len(whole) // 2])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)  # when the next one is to get its name
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path, 3, learned)
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]
    monkeypatch.undo()
    save(tmp_path, 3, learned)
    assert read_checkpoint(tmp_path)[1]["step"] == 3  # type: ignore[index]
    (tmp_path / LAST).unlink()
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]


def test_equal_states_are_equal_files(tmp_path: Path) -> None:
    learned = parts()
    learn(learned[0], learned[2])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(tmp_path / name, 1, learned)
    assert (tmp_path / "a" / LAST).read_bytes() == (tmp_path / "b" / LAST).read_bytes()


# Children save without end and are killed at another moment each; the state says in every tensor
# which step it is of. Forked, for a new process would take seconds to load torch.
KILLER = """
import os, signal, sys, time
from itertools import count
from pathlib import Path
import torch
from darkroom.learning.checkpoints import LAST, read_checkpoint, save_checkpoint

run, network = Path(sys.argv[1]), torch.nn.Linear(64, 64)
optimiser = torch.optim.SGD(network.parameters())

def save_for_ever(first):
    for step in count(first):
        with torch.no_grad():
            network.weight.fill_(step)
        facts = {"step": step, "best": 0.0}
        save_checkpoint(
            run, network=network, average=network, optimiser=optimiser, facts=facts,
            extra={"adversary.network.weight": network.weight},
        )

def stamp():
    try:
        return (run / LAST).stat().st_mtime_ns
    except FileNotFoundError:  # between two renames
        return 0

last = 0
for kill in range(24):
    seen = stamp()
    child = os.fork()
    if child == 0:
        save_for_ever(last + 1)
    while kill and stamp() in {0, seen}:  # the first one is killed in its first save
        time.sleep(0.0002)
    time.sleep(0.0012 * kill)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = read_checkpoint(run)
    if found is None:
        assert kill == 0
        continue
    tensors, facts = found
    assert facts["step"] >= last, (kill, facts, last)
    last = facts["step"]
    assert all((tensors[name] == last).all() for name in tensors if name.endswith("weight")), kill
assert last > 24
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_a_kill_at_any_moment_leaves_a_checkpoint(tmp_path: Path) -> None:
    line = [sys.executable, "-c", KILLER, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_of_which_only_the_previous_is_left_is_a_run(tmp_path: Path) -> None:
    assert not has_checkpoint(tmp_path)
    save(tmp_path, 1, parts())
    (tmp_path / LAST).rename(tmp_path / PREVIOUS)
    assert has_checkpoint(tmp_path)
    assert read_checkpoint(tmp_path)[1]["step"] == 1  # type: ignore[index]


def test_a_new_run_has_none(tmp_path: Path) -> None:
    assert read_checkpoint(tmp_path) is None
