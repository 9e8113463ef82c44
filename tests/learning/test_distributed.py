import pytest
import torch

from darkroom.errors import UsageProblem
from darkroom.learning.distributed import (
    ALONE,
    Team,
    anyone,
    joined,
    own_device,
    speaks,
    teamed,
    total,
)


def test_shares_are_the_whole_batch() -> None:
    for size in (1, 2, 3, 8):
        shares = [list(Team(rank, size).share(8)) for rank in range(size)]
        assert sorted(place for share in shares for place in share) == list(range(8))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("environment", [{}, {"RANK": "0"}, {"WORLD_SIZE": "1"}])
def test_a_process_started_by_itself_is_alone(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with teamed("cpu") as team:
        assert team == ALONE
        assert team.leads
    assert speaks()


def test_of_several_processes_one_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR"):
        monkeypatch.setenv(name, "2")
    spoken = []
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        spoken.append(speaks())
    assert spoken == [True, False]


def test_alone_nothing_is_exchanged() -> None:
    network, values = torch.nn.Linear(2, 2), torch.ones(3)
    assert joined(network, ALONE) is network
    assert total(values, ALONE) is values
    assert anyone(True, "cpu", ALONE)
    assert not anyone(False, "cpu", ALONE)


def test_every_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.set_device", chosen.append)
    assert own_device("cuda", Team(5, 8, place=1)) == "cuda:1"
    assert chosen == [1]
    assert own_device("cpu", Team(5, 8, place=7)) == "cpu"
    assert own_device("cuda:3", ALONE) == "cuda:3"
    with pytest.raises(UsageProblem, match="2 GPUs"):
        own_device("cuda", Team(5, 8, place=2))
