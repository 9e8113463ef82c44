"""Which files a command works on: names, folders, quoted patterns and lists of names."""

import errno
import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import NothingMatched, UsageProblem


@dataclass(frozen=True, slots=True)
class Input:
    """A file to work on; `path` is `root / below`.

    Attributes:
        path: the file, as darkroom opens it.
        below: where it lies under the folder that was asked for; its bare name if it was named.
        root: the folder that was asked for, or where the fixed part of a pattern ends; the file's
            own folder if it was named.
    """

    path: Path
    below: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another name of a file that is worked on already: a link, or a second way to it.

    Attributes:
        item: the file under its other name.
        first: the name under which it is worked on.
    """

    item: Input
    first: Path

    @property
    def path(self) -> Path:
        """The other name."""
        return self.item.path


@dataclass(frozen=True)
class Found:
    """What the arguments stand for.

    Attributes:
        inputs: the files in the order of the arguments, each once.
        unmatched: folders and patterns that hold no file.
        duplicates: other names of the `inputs`.
        folders: the folders that were searched, whether or not they hold a file.
    """

    inputs: tuple[Input, ...]
    unmatched: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    folders: tuple[Path, ...] = ()


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
    `photos/**/*.ARW` stands for what the shell would make of it; its files keep their places below
    `photos`, where the fixed part of the pattern ends. Every other name stands for itself, even
    where no such file exists: it fails later, by name, instead of vanishing.

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
    asked = [(argument, path, root) for argument in args for path, root in _names(argument)]
    asked += [(name, Path(name), None) for name in listed]
    folders = dict.fromkeys(path for _, path, _ in asked if is_folder(path))
    found = [
        (argument, item)
        for argument, path, root in asked
        for item in (_search(path, is_input) if path in folders else [_named(path, root)])
    ]
    matched = {argument for argument, _ in found}
    unmatched = tuple(dict.fromkeys(name for name in (*args, *listed) if name not in matched))
    if not found:
        raise NothingMatched(_nothing(unmatched))
    inputs, duplicates = _each_once(_without_outputs([item for _, item in found]))
    return Found(inputs, unmatched, duplicates, tuple(folders))


def read_names(source: str, *, null_separated: bool) -> list[str]:
    """Read the names in the file `source` ("-": the standard input), whatever bytes they hold.

    Raises:
        UsageProblem: the list cannot be read, or holds NUL where lines are expected.
    """
    try:
        if source == "-" and sys.stdin is None:  # closed before the program began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
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


def identity_of(path: Path) -> object:
    """Return what is equal for two names of one file or folder, links followed."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return path.absolute()
    # some network file systems number no files: there, only the name tells
    return (status.st_dev, status.st_ino) if status.st_ino else path.absolute()


def is_folder(path: Path) -> bool:
    """Whether this is a folder, or a link to one, as far as that can be seen."""
    try:
        return path.is_dir()
    except OSError:  # a name too long, a folder above that must not be entered
        return False


def _names(argument: str) -> list[tuple[Path, Path | None]]:
    """Return the files an argument stands for, each with the folder where its pattern starts."""
    if not argument:
        raise UsageProblem("one of the file names is empty")
    if not glob.has_magic(argument) or os.path.lexists(argument):
        return [(Path(argument), None)]
    parts = Path(argument).parts
    fixed = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    # Path.glob knows neither absolute patterns nor hidden files
    try:
        return [(Path(n), root) for n in sorted(glob.glob(argument, recursive=True))]  # noqa: PTH207
    except RecursionError:
        raise UsageProblem(f"'{argument}': the folders are too deep; name the folder") from None


def _named(path: Path, root: Path | None = None) -> Input:
    if root is None:
        return Input(path, Path(path.name), path.parent)
    return Input(path, path.relative_to(root), root)


def _search(folder: Path, is_input: Callable[[Path], bool]) -> Iterator[Input]:
    """Yield the wanted files below a folder; of any depth, which `os.walk` does not manage."""
    waiting = [Path()]
    while waiting:
        below = waiting.pop()
        try:
            files, folders = _look_into(folder / below, is_input)
        except OSError:
            yield _unreadable(folder, below)
            continue
        here = folder / below
        yield from (Input(here / name, below / name, folder) for name in files)
        waiting += (below / name for name in reversed(folders))


def _look_into(folder: Path, is_input: Callable[[Path], bool]) -> tuple[list[str], list[str]]:
    """Return the names of the wanted files and of the folders in a folder, both sorted."""
    files, folders = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif is_input(Path(entry.name)) and not _is_link_to_folder(entry):
                files.append(entry.name)
    return sorted(files), sorted(folders)


def _is_link_to_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_symlink() and is_folder(Path(entry))


def _unreadable(folder: Path, below: Path) -> Input:
    """Return a folder as if it were a file: it becomes a failed one, not a silent gap."""
    if below.parts:
        return Input(folder / below, below, folder)
    return _named(Path(_spelled_out(folder)))  # "." has no name that an output could have


def _without_outputs(reached: Sequence[Input]) -> Iterator[Input]:
    """Drop IMG_1.ARW.tif where IMG_1.ARW is asked for too: `*` matches earlier outputs as well."""
    asked = {str(item.path) for item in reached}
    for item in reached:
        suffix = item.path.suffix
        if not suffix or str(item.path).removesuffix(suffix) not in asked:
            yield item


def _each_once(reached: Iterable[Input]) -> tuple[tuple[Input, ...], tuple[Duplicate, ...]]:
    firsts: dict[object, Input] = {}
    duplicates: dict[str, Duplicate] = {}
    for item in reached:
        first = firsts.setdefault(identity_of(item.path), item)
        if first is not item and _spelled_out(first.path) != _spelled_out(item.path):
            duplicates.setdefault(_spelled_out(item.path), Duplicate(item, first.path))
    return tuple(firsts.values()), tuple(duplicates.values())


def _spelled_out(path: Path) -> str:
    return os.path.normpath(path.absolute())


def _nothing(unmatched: tuple[str, ...]) -> str:
    if not unmatched:
        return "no file to work on; name files, folders or patterns, or use --files-from"
    return "no file matched " + ", ".join(f"'{name}'" for name in unmatched)
