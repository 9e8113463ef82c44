"""Files that `torch.save` wrote: their tensors, and nothing that they would like to run."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from darkroom.errors import EnvironmentProblem

DEEPEST = 3  # dictionaries inside dictionaries
# What training frameworks call the weights that are meant for use, best first.
PREFERRED = ("params_deploy", "params_ema", "ema", "params", "netG", "state_dict", "model", "net")
FLIPPED = "a part differs from its CRC"
WANTED = re.compile(r"GLOBAL ([\w.]+)")
ENDS_EARLY = "failed finding central directory"  # which ends a zip archive; of nothing, "" is said
ADVICE = "in the program it comes from, save its weights alone: torch.save(network.state_dict(), …)"

Tensors = dict[str, Tensor]


def read_pytorch(file: BinaryIO) -> list[Tensors]:
    """Return every dictionary of tensors in a file, the likeliest first.

    Raises:
        EnvironmentProblem: it is no such file, or holds anything but plain values and tensors.
    """
    try:
        refuse_flipped_bits(file)
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # of many kinds, and some that belong to no module one may import
        raise EnvironmentProblem(refusal(str(error))) from None
    return [tensors for found in dictionaries(saved, DEEPEST) if (tensors := tensors_in(found))]


def refuse_flipped_bits(file: BinaryIO) -> None:
    """Compare the parts of a zip archive with their CRC, which torch does not.

    Raises:
        ValueError: one differs.
    """
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:
                raise ValueError(FLIPPED)
    file.seek(0)


def refusal(reason: str) -> str:
    """Say why torch did not read a file, in words for people who did not write it.

    >>> refusal("Unsupported global: GLOBAL posix.system was not an allowed global").split(";")[0]
    'it asks to run posix.system, which weights have no need of, so nothing of it was run'
    """
    if wanted := WANTED.search(reason):
        what = (
            f"it asks to run {wanted[1]}, which weights have no need of, so nothing of it was run"
        )
        return f"{what}; {ADVICE}"
    if "CRC" in reason:
        return "it was damaged on its way; get it again"
    if not reason or ENDS_EARLY in reason:
        return "it was cut short, or is no file of weights; get it again"
    if "TorchScript" in reason:
        return f"it is a TorchScript program, not weights; {ADVICE}"
    return f"it is no file of weights that torch can read safely; {ADVICE}"


def dictionaries(saved: Any, depth: int) -> Iterator[Mapping[Any, Any]]:
    """Yield a dictionary and those inside it, those for use first."""
    if not isinstance(saved, Mapping) or depth == 0:
        return
    yield saved
    for key in sorted(saved, key=preference):
        yield from dictionaries(saved[key], depth - 1)


def preference(key: object) -> int:
    """Return the rank of a name."""
    return PREFERRED.index(key) if key in PREFERRED else len(PREFERRED)


def tensors_in(found: Mapping[Any, Any]) -> Tensors:
    """Return the plain tensors of real numbers under a name, without what all names begin with."""
    tensors = {
        key: value.detach()
        for key, value in found.items()
        if isinstance(key, str) and isinstance(value, Tensor) and is_plain(value)
    }
    return without_prefix(tensors)


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor holds numbers in memory, one after the other."""
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return plain and tensor.is_floating_point()


def without_prefix(tensors: Tensors) -> Tensors:
    """Remove the names of wrappers: module.conv1.weight, net.conv1.weight.

    >>> list(without_prefix({"module.a.bias": torch.ones(1), "module.b.bias": torch.ones(1)}))
    ['a.bias', 'b.bias']
    """
    while True:
        first = {name.partition(".")[0] for name in tensors}
        if len(first) != 1 or any(name.count(".") < 2 for name in tensors):
            return tensors
        tensors = {name.partition(".")[2]: tensor for name, tensor in tensors.items()}
