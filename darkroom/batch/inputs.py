"""Which files a command works on: names, folders, quoted patterns and lists of names."""

import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import NothingMatched, UsageProblem


@dataclass(frozen=True, slots=True)
class Input:
    """A file to work on.

    Attributes:
        path: the file, as darkroom opens it.
        below: where it lies under the folder that was asked for; its bare name if it was named.
    """

    path: Path
    below: Path


@dataclass(frozen=True)
class Found:
    """What the arguments stand for.

    Attributes:
        inputs: the files in the order of the arguments, each once.
        unmatched: folders and patterns that hold no file.
    """

    inputs: tuple[Input, ...]
    unmatched: tuple[str, ...]


def expand_inputs(
    args: Sequence[str],
    *,
    files_from: str | None = None,
    null_separated: bool = False,
    is_input: Callable[[Path], bool],
) -> Found:
    """Turn arguments into files.

    A folder stands for the files in it that `is_input` accepts by name, recursively and sorted,
    without hidden files and without pictures that darkroom wrote. A pattern such as
    `photos/**/*.ARW` stands for what the shell would make of it. Every other name stands for
    itself, even where no such file exists: it fails later, by name, instead of vanishing.

    Args:
        args: names, folders and patterns.
        files_from: a file with one name a line, or "-" for the standard input.
        null_separated: names in `files_from` end with NUL, as `find -print0` writes them.
        is_input: whether a file found in a folder is wanted.

    Raises:
        NothingMatched: no file is left.
        UsageProblem: the list cannot be read, or a name is empty.
    """
    listed = [] if files_from is None else read_names(files_from, null_separated=null_separated)
    found = [(name, _matches(name, is_input)) for name in args]
    found += [(name, _files_at(name, is_input)) for name in listed]
    unmatched = tuple(name for name, inputs in found if not inputs)
    inputs = _without_outputs(tuple(_unique(item for _, items in found for item in items)))
    if not inputs:
        raise NothingMatched(_nothing(unmatched))
    return Found(inputs, unmatched)


def read_names(source: str, *, null_separated: bool) -> list[str]:
    """Read the names in the file `source` ("-": the standard input), whatever bytes they hold.

    Raises:
        UsageProblem: the list cannot be read, or holds NUL where lines are expected.
    """
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise UsageProblem(f"--files-from {source}: {error.strerror}") from None
    if not null_separated and b"\0" in content:
        raise UsageProblem(f"--files-from {source}: the list holds NUL characters; add --null")
    separator = b"\0" if null_separated else b"\n"
    names = content.split(separator)
    if not null_separated:
        names = [name.removesuffix(b"\r") for name in names]  # a list written on Windows
    return [os.fsdecode(name) for name in names if name]


def _matches(argument: str, is_input: Callable[[Path], bool]) -> list[Input]:
    if not glob.has_magic(argument) or os.path.lexists(argument):
        return _files_at(argument, is_input)
    # Path.glob knows neither absolute patterns nor hidden files
    names = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207
    return [item for name in names for item in _files_at(name, is_input)]


def _files_at(name: str, is_input: Callable[[Path], bool]) -> list[Input]:
    if not name:
        raise UsageProblem("one of the file names is empty")
    path = Path(name)
    if not path.is_dir():
        return [Input(path, Path(path.name))]
    return [Input(file, file.relative_to(path)) for file in _scan(path, is_input)]


def _scan(folder: Path, is_input: Callable[[Path], bool]) -> Iterator[Path]:
    blocked: list[Path] = []
    walk = os.walk(folder, onerror=lambda error: blocked.append(Path(error.filename)))
    for here, folders, names in walk:
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if _is_wanted(name, is_input))
    yield from blocked  # a folder that cannot be read becomes a failed file, not a silent gap


def _is_wanted(name: str, is_input: Callable[[Path], bool]) -> bool:
    path = Path(name)
    is_own_output = is_input(Path(path.stem))  # IMG_1.ARW.dng comes from IMG_1.ARW
    return not name.startswith(".") and is_input(path) and not is_own_output


def _unique(inputs: Iterable[Input]) -> Iterator[Input]:
    seen: set[object] = set()
    for item in inputs:
        identity = _identity(item.path)
        if identity not in seen:
            seen.add(identity)
            yield item


def _without_outputs(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """Drop IMG_1.ARW.tif where IMG_1.ARW is asked for too: `*` matches earlier outputs as well."""
    asked = {item.path for item in inputs}
    return tuple(
        item for item in inputs if not item.path.suffix or item.path.with_suffix("") not in asked
    )


def _identity(path: Path) -> object:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return path.absolute()
    # some network file systems number no files: there, only the name tells
    return (status.st_dev, status.st_ino) if status.st_ino else path.absolute()


def _nothing(unmatched: tuple[str, ...]) -> str:
    if not unmatched:
        return "no file to work on; name files, folders or patterns, or use --files-from"
    return "no file matched " + ", ".join(f"'{name}'" for name in unmatched)
