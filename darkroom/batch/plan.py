"""Which output belongs to which input, settled before any work begins."""

import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from darkroom.batch.inputs import Found, Input, identity_of, is_folder
from darkroom.errors import FileProblem, StoppedEarly, UsageProblem
from darkroom.publish import LONGEST_NAME, check_writable

# Linux takes paths of 4,095 bytes; while a file is written its name may be as long as names can be.
LONGEST_FOLDER = 4095 - len("/") - LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read and the one to write.

    Attributes:
        source: the file to read.
        target: the file to write.
        root: the folder whose records remember the output: the folder of all outputs, else the
            folder that was asked for, else that of the named file.
        below: place of the source below what was asked for, the same on every machine that sees
            the files. The output lies at that place below `root`.
    """

    source: Path
    target: Path
    root: Path
    below: Path


def plan_jobs(found: Found, *, out_dir: Path | None, suffix: str) -> list[Job]:
    """Give every input its output: the full name of the input, then `suffix`.

    Args:
        found: the files, as `expand_inputs` found them.
        out_dir: folder of the outputs, with the tree below a folder argument kept; None puts
            each output beside its input.
        suffix: ".tif", ".png", …

    Raises:
        UsageProblem: two inputs would share an output (also where only upper and lower case or
            Unicode form differ), an output would replace an input or has the name of a folder, a
            name or path is too long, or `out_dir` is a file or lies in a folder that was searched.
    """
    if out_dir is not None:
        _refuse_file(out_dir)
        _refuse_searched(out_dir, found.folders)
    jobs = [job_of(item, out_dir, suffix) for item in found.inputs]
    for job in jobs:
        _refuse_target(job)
    refuse_collisions(jobs)
    return jobs


def job_of(item: Input, out_dir: Path | None, suffix: str) -> Job:
    """Return the job that one input stands for.

    >>> item = Input(Path("card/a/1.ARW"), Path("a/1.ARW"), Path("card"))
    >>> job_of(item, Path("out"), ".tif").target.as_posix()
    'out/a/1.ARW.tif'
    """
    root = item.root if out_dir is None else out_dir
    return Job(item.path, Path(root, f"{item.below}{suffix}"), root, item.below)


def single_job(source: Path, target: Path) -> Job:
    """Return the job of one file whose output has a name of its own.

    >>> single_job(Path("photo.png"), Path("night/dark.dng")).root.as_posix()
    'night'
    """
    return Job(source, target, target.parent, Path(source.name))


def check_folders(jobs: Iterable[Job]) -> None:
    """Look at every folder that is to be written, until one is found that can be.

    Args:
        jobs: the jobs whose outputs are to be written.

    Raises:
        StoppedEarly: no folder can be written. Where only some cannot, their files fail one by one.
    """
    problems: dict[Path, FileProblem] = {}
    for job in jobs:
        folder = job.target.parent
        if folder in problems:
            continue
        try:
            check_writable(job.target)
        except FileProblem as error:
            problems[folder] = error
        else:
            return
    for problem in problems.values():
        raise StoppedEarly(f"nothing was done: {problem.what}; {problem.advice}")


def _refuse_file(out_dir: Path) -> None:
    places = (out_dir, *out_dir.absolute().parents)
    existing = [place for place in places if os.path.lexists(place)]
    if existing and not is_folder(existing[0]):
        raise UsageProblem(f"-o {out_dir}: {existing[0]} is not a folder")


def _refuse_searched(out_dir: Path, folders: Iterable[Path]) -> None:
    searched = {identity_of(Path(os.path.realpath(folder))): folder for folder in folders}
    real = Path(os.path.realpath(out_dir))
    for place in (real, *real.parents):
        folder = searched.get(identity_of(place))
        if folder is not None:
            raise UsageProblem(
                f"-o {out_dir}: this lies in '{folder}', which is searched for files to work on,"
                " so a later run would search the outputs too; choose a folder outside of it,"
                " or leave -o away to get each output beside its input"
            )


def _refuse_target(job: Job) -> None:
    folder, name = os.path.split(os.fsencode(job.target))
    if len(name) > LONGEST_NAME:
        raise UsageProblem(
            f"{job.source}: the output would be named with {len(name)} bytes, {LONGEST_NAME} are"
            " possible; rename the file"
        )
    if len(folder) > LONGEST_FOLDER:
        raise UsageProblem(
            f"{job.source}: the folder of the output would have a path of {len(folder)} bytes,"
            f" {LONGEST_FOLDER} are possible; choose another folder with -o"
        )
    if is_folder(job.target) and not job.target.is_symlink():
        raise UsageProblem(
            f"{job.source}: there is a folder named {job.target}, where the output would go;"
            " rename it, or choose another folder with -o"
        )


def refuse_collisions(jobs: Sequence[Job]) -> None:
    """Refuse jobs that would write one file twice, or write over a file that is read.

    Raises:
        UsageProblem: there are such jobs.
    """
    key_of = _keys()
    sources = {key_of(job.source): job.source for job in jobs}
    # os.path.islink: unlike Path's, it has an answer for names that are too long or forbidden
    for link in (job.source for job in jobs if os.path.islink(job.source)):  # noqa: PTH114
        sources[key_of(Path(os.path.realpath(link)))] = link  # what is read through a link
    taken: dict[str, Job] = {}
    for job in jobs:
        key = key_of(job.target)
        if key in sources:
            raise UsageProblem(f"{job.source}: the output would replace {sources[key]}; use -o")
        first = taken.setdefault(key, job)
        if first is not job:
            raise UsageProblem(_shared(first, job))


def _shared(first: Job, second: Job) -> str:
    alike = " on disks that do not tell such names apart"
    return (
        f"{first.source} and {second.source} would both be written to {second.target}"
        f"{alike if first.target.name != second.target.name else ''};"
        " work on them one after the other with different -o folders,"
        " or name the folder that holds both"
    )


def _keys() -> Callable[[Path], str]:
    """Return a function whose texts are equal where a careless file system sees one file."""
    real = cache(os.path.realpath)  # thousands of files, few folders

    def key(path: Path) -> str:
        folder, name = os.path.split(path)
        return unicodedata.normalize("NFC", f"{real(folder)}/{name}").casefold()

    return key
