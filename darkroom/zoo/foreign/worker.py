"""The process that reads a checkpoint: `python -m darkroom.zoo.foreign.worker FILE [DATA]`.

Its arguments are numbers of open files. It answers on its standard output: "+" and the tensors as a
safetensors file, or "-" and why not. It may write no file and use little more memory than the
checkpoint has bytes; only numbers with names leave it.
"""

import os
import sys
from collections.abc import Sequence
from typing import BinaryIO

import safetensors.torch
from torch import Tensor

from darkroom.camera import confinement
from darkroom.camera.limits import Limits
from darkroom.errors import EnvironmentProblem
from darkroom.zoo.foreign.layouts import recognised
from darkroom.zoo.foreign.pytorch import read_pytorch, without_prefix
from darkroom.zoo.foreign.sorted_table import Damaged
from darkroom.zoo.foreign.tensorflow import read_bundle

Tensors = dict[str, Tensor]

GOOD, BAD = b"+", b"-"
SECONDS = 120.0
COPIES = 5  # of the file that fit into memory: as read, unpacked, in float32, to be sent
LISTED = 6  # tensors named where none are recognised
SAFETENSORS = b'{"'  # behind eight bytes of length


def main() -> None:
    """Answer for the files that the parent has opened."""
    confinement.confine()
    files = [os.fdopen(int(number), "rb") for number in sys.argv[1:]]
    size = sum(os.fstat(file.fileno()).st_size for file in files)
    memory = Limits(memory=(1 << 30) + (COPIES - 1) * size, max_memory=16 << 30, seconds=SECONDS)
    confinement.limit_file(memory, size, pixels=0)
    sys.stdout.buffer.write(answer(files))
    sys.stdout.buffer.flush()


def answer(files: Sequence[BinaryIO]) -> bytes:
    """Return what to send for one file, or for the two of TensorFlow."""
    try:
        tensors = chosen(dictionaries_in(files))
        plain = {name: tensor.float().contiguous().clone() for name, tensor in tensors.items()}
        return GOOD + safetensors.torch.save(plain)
    except EnvironmentProblem as problem:
        return BAD + str(problem).encode()
    except Damaged as problem:
        return BAD + f"the checkpoint cannot be used: {problem}; get it again".encode()
    except MemoryError:
        return BAD + b"it takes more memory than a checkpoint of its size may"
    except Exception as error:
        return BAD + f"it is damaged ({type(error).__name__}); get it again".encode()


def dictionaries_in(files: Sequence[BinaryIO]) -> list[Tensors]:
    """Return the dictionaries of tensors in a checkpoint, whatever kind it is."""
    if len(files) > 1:
        return [read_bundle(files[0].read(), files[1])]
    beginning = files[0].read(10)
    files[0].seek(0)
    if beginning[8:] == SAFETENSORS:
        return [without_prefix(safetensors.torch.load(files[0].read()))]
    if beginning.lstrip()[:1] == b"<":
        raise EnvironmentProblem("it is a web page, not weights; download it again")
    if beginning == b"version ht":  # of git-lfs
        raise EnvironmentProblem("it only points to the weights; get them with `git lfs pull`")
    return read_pytorch(files[0])


def chosen(found: Sequence[Tensors]) -> Tensors:
    """Return the first dictionary that is a network darkroom knows.

    Raises:
        EnvironmentProblem: none is; the message says what there was instead.
    """
    for tensors in found:
        if recognised(tensors):
            return tensors
    largest = max(found, key=len, default={})
    seen = [f"{name} {list(tensor.shape)}" for name, tensor in largest.items()]
    more = f", and {len(seen) - LISTED} more" if len(seen) > LISTED else ""
    raise EnvironmentProblem(
        f"its tensors are of no network known here: {', '.join(seen[:LISTED]) or 'none'}{more};"
        " docs/models.md lists what can be imported"
    )


if __name__ == "__main__":
    main()
