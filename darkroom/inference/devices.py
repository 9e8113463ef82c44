"""The processors of this machine, as torch sees them."""

import os
from dataclasses import dataclass

import torch

from darkroom.inference.torch_engine import choose_precision


@dataclass(frozen=True)
class Processor:
    """The CPU: cores this process may use, threads torch takes, and whether it computes bf16."""

    cores: int
    threads: int
    native_bf16: bool


@dataclass(frozen=True)
class Gpu:
    """A CUDA device, with its memory and what of it is free, in bytes."""

    name: str
    memory: int
    free: int


def processor() -> Processor:
    """Return what is known of the CPU."""
    usable = getattr(os, "sched_getaffinity", None)  # Linux
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return Processor(cores, torch.get_num_threads(), choose_precision("auto", "cpu") == "bf16")


def gpus() -> list[Gpu]:
    """Return the CUDA devices that are usable here."""
    if not torch.cuda.is_available():
        return []
    return [_gpu(index) for index in range(torch.cuda.device_count())]


def _gpu(index: int) -> Gpu:
    free, memory = torch.cuda.mem_get_info(index)
    return Gpu(torch.cuda.get_device_name(index), memory, free)
