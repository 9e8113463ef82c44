"""Read a checkpoint in a process of its own, which can do little harm and no more than die."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import BinaryIO

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from darkroom.camera.exif import clean_text
from darkroom.errors import EnvironmentProblem
from darkroom.regular_file import open_regular
from darkroom.zoo.foreign.sorted_table import MAGIC, is_table
from darkroom.zoo.foreign.worker import GOOD, SECONDS
from darkroom.zoo.header import FILE_LIMIT

COMMAND = (sys.executable, "-P", "-m", "darkroom.zoo.foreign.worker")
OF_TENSORFLOW = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
INDEX, DATA = ".index", ".data-00000-of-00001"


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint as float32, those of one network darkroom knows.

    Args:
        path: a file of PyTorch or safetensors; of TensorFlow's files any one, or their common name.

    Raises:
        EnvironmentProblem: it cannot be read, is damaged, or holds something else.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(opened(part)) for part in parts_of(path)]
        return tensors_of(answer_for(path, files), path)


def parts_of(path: Path) -> list[Path]:
    """Return the files a checkpoint consists of: one, or TensorFlow's index and its data."""
    common = path.with_name(OF_TENSORFLOW.sub("", path.name))
    index, data = (common.with_name(common.name + ending) for ending in (INDEX, DATA))
    if path.is_file() and path.suffix == INDEX and not ends_as_index(path):
        raise EnvironmentProblem(f"{path} is no index of TensorFlow; get the checkpoint again")
    if index.is_file() and (common != path or not path.is_file()):
        if not data.is_file():
            raise EnvironmentProblem(f"{data} is missing: the weights themselves; put it beside")
        return [index, data]
    return [path]


def ends_as_index(path: Path) -> bool:
    """Whether a file ends as a sorted table does."""
    with opened(path) as file:
        file.seek(max(os.fstat(file.fileno()).st_size - len(MAGIC), 0))
        return is_table(file.read(len(MAGIC)))


def opened(path: Path) -> BinaryIO:
    """Open a part of a checkpoint.

    Raises:
        EnvironmentProblem: it cannot be read or is too large.
    """
    try:
        file = open_regular(path)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}") from None
    if os.fstat(file.fileno()).st_size > FILE_LIMIT:
        file.close()
        limit = FILE_LIMIT >> 20
        raise EnvironmentProblem(f"{path} is too large for weights ({limit} MB at most)")
    return file


def answer_for(path: Path, files: Sequence[BinaryIO]) -> bytes:
    """Let the process read open files and return its answer."""
    numbers = [file.fileno() for file in files]
    with subprocess.Popen(
        [*COMMAND, *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=numbers,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as child:
        assert child.stdout is not None
        clock = Timer(2 * SECONDS, child.kill)
        clock.start()
        try:
            answer = child.stdout.read(FILE_LIMIT + 1)
        finally:
            clock.cancel()
            child.kill()
    if not answer or len(answer) > FILE_LIMIT:
        raise EnvironmentProblem(f"{path}: reading it took more time or memory than weights need")
    return answer


def tensors_of(answer: bytes, path: Path) -> dict[str, Tensor]:
    """Return the tensors of a good answer; raise EnvironmentProblem with the words of a bad one."""
    if answer[:1] != GOOD:
        raise EnvironmentProblem(f"{path}: {clean_text(answer[1:])}")
    try:
        return safetensors.torch.load(answer[1:])
    except (SafetensorError, ValueError, KeyError) as error:
        raise EnvironmentProblem(f"{path}: its reader failed: {error}") from None
