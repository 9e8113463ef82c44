"""Which output belongs to which input, settled before any work begins."""

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from darkroom.batch.inputs import Input
from darkroom.errors import UsageProblem
from darkroom.publish import LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read and the one to write."""

    source: Path
    target: Path


def plan_jobs(inputs: Sequence[Input], *, out_dir: Path | None, suffix: str) -> list[Job]:
    """Give every input its output: the full name of the input, then `suffix`.

    Args:
        inputs: the files, as `expand_inputs` found them.
        out_dir: folder of the outputs, with the tree below a folder argument kept; None puts
            each output beside its input.
        suffix: ".tif", ".png", …

    Raises:
        UsageProblem: two inputs would share an output (also where only upper and lower case or
            Unicode form differ), an output would replace an input, a name is too long, or
            `out_dir` is a file.
    """
    if out_dir is not None and out_dir.exists() and not out_dir.is_dir():
        raise UsageProblem(f"-o {out_dir}: this is a file, not a folder")
    jobs = [Job(item.path, target_of(item, out_dir, suffix)) for item in inputs]
    _refuse_long_names(jobs)
    refuse_collisions(jobs)
    return jobs


def target_of(item: Input, out_dir: Path | None, suffix: str) -> Path:
    """Return where the output of `item` goes.

    >>> target_of(Input(Path("card/a/1.ARW"), Path("a/1.ARW")), Path("out"), ".tif").as_posix()
    'out/a/1.ARW.tif'
    """
    beside = item.path if out_dir is None else out_dir / item.below
    return beside.parent / (beside.name + suffix)


def _refuse_long_names(jobs: Iterable[Job]) -> None:
    for job in jobs:
        size = len(os.fsencode(job.target.name))
        if size > LONGEST_NAME:
            raise UsageProblem(
                f"{job.source}: the output would be named with {size} bytes, {LONGEST_NAME} are"
                " possible; rename the file"
            )


def refuse_collisions(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would write one file twice, or write over a file that is read.

    Raises:
        UsageProblem: there are such jobs.
    """
    key_of = _keys()
    sources = {key_of(path): job.source for job in jobs for path in (job.source, followed(job))}
    taken: dict[str, Job] = {}
    for job in jobs:
        key = key_of(job.target)
        if key in sources:
            raise UsageProblem(f"{job.source}: the output would replace {sources[key]}; use -o")
        if key in taken:
            raise UsageProblem(
                f"{taken[key].source} and {job.source} would both be written to {job.target};"
                " work on them one after the other with different -o folders,"
                " or name the folder that holds both"
            )
        taken[key] = job


def followed(job: Job) -> Path:
    """Return the file that is read, where `job.source` is a link to it."""
    return job.source.resolve() if job.source.is_symlink() else job.source


def _keys() -> Callable[[Path], str]:
    """Return a function whose texts are equal where a careless file system sees one file."""
    real = cache(Path.resolve)  # thousands of files, few folders

    def key(path: Path) -> str:
        return unicodedata.normalize("NFC", f"{real(path.parent)}/{path.name}").casefold()

    return key
