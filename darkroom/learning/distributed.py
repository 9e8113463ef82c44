"""Several processes that learn as one, as `torchrun` starts them.

Each makes and learns its share of every batch and the gradients are averaged (Li et al. 2020,
"PyTorch Distributed: Experiences on Accelerating Data Parallel Training"). Because the step and the
place in the batch decide a pair, any number of processes learns the same batches.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from darkroom.errors import UsageProblem

PATIENCE = timedelta(hours=2)  # the others wait while the first one validates
STARTED_BY = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR")  # torchrun sets them


@dataclass(frozen=True)
class Team:
    """The processes of a run.

    Attributes:
        rank: number of this one; 0 logs, validates and saves.
        size: how many there are.
        place: number of this one among those of its machine.
    """

    rank: int = 0
    size: int = 1
    place: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process speaks for all."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """Return the places in a batch that this process makes and learns.

        >>> [list(Team(rank, 3).share(8)) for rank in range(3)]
        [[0, 3, 6], [1, 4, 7], [2, 5]]
        """
        return range(self.rank, batch, self.size)


ALONE = Team()


def speaks() -> bool:
    """Whether this process may talk to people: of those that torchrun starts, the first."""
    return os.environ.get("RANK", "0") == "0" or not is_started_with_others()


def is_started_with_others() -> bool:
    """Whether torchrun started this process beside others."""
    return all(name in os.environ for name in STARTED_BY) and os.environ["WORLD_SIZE"] != "1"


@contextmanager
def teamed(device: str) -> Iterator[Team]:
    """Join the processes that `torchrun` started with this one; yield ALONE without it."""
    if not is_started_with_others():
        yield ALONE
        return
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    try:
        yield Team(dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]))
    finally:
        dist.destroy_process_group()


def own_device(device: str, team: Team) -> str:
    """Return the device of this process: of several with GPUs, each has its own.

    Raises:
        UsageProblem: a machine has fewer GPUs than processes.
    """
    if team.size == 1 or not device.startswith("cuda"):
        return device
    if team.place >= torch.cuda.device_count():
        raise UsageProblem(
            f"{torch.cuda.device_count()} GPUs and more processes; lower --nproc-per-node"
        )
    torch.cuda.set_device(team.place)
    return f"cuda:{team.place}"


def joined(network: nn.Module, team: Team) -> nn.Module:
    """Return the network such that its gradients are averaged over the team as they come."""
    if team.size == 1:
        return network
    return DistributedDataParallel(network)


def total(values: Tensor, team: Team) -> Tensor:
    """Return the sum of a tensor over the team; alone, the tensor."""
    if team.size > 1:
        dist.all_reduce(values)
    return values


def anyone(wants: bool, device: str, team: Team) -> bool:
    """Whether any process of the team wants it."""
    if team.size == 1:
        return wants
    return bool(total(torch.tensor(float(wants), device=device), team) > 0)
