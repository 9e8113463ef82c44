"""What is done already: decided by records and bytes, never by the times of outputs.

A file is done when a record of this work (same input, same options, same model) exists and the
output still is what that record says. Just before an output gets its name, an intention is noted:
so an output whose writer was killed right after is known as well.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from darkroom import __version__
from darkroom.batch.entries import WRITING, Entry, made_by, read_entries
from darkroom.batch.failures import header
from darkroom.batch.manifest import FOLDER, Manifest
from darkroom.batch.outcome import DONE_BEFORE, Outcome, R, Seen, look_at
from darkroom.batch.plan import Job
from darkroom.batch.records import (
    Record,
    Run,
    job_record,
    outcome_record,
    published_record,
    seen_record,
)
from darkroom.errors import FailureCode, FileProblem, StoppedEarly, UsageProblem
from darkroom.publish import Published, is_present
from darkroom.regular_file import open_regular

Intend: TypeAlias = Callable[
    [Job, Seen | None, Published], None
]  # told of outputs about to get their names

MOST_OPEN = 64  # manifests: a process may hold about a thousand files
REDO = "use --overwrite to replace it, or another folder with -o"


@dataclass(frozen=True)
class Rules:
    """How carefully finished work is recognised.

    Attributes:
        checksum: know inputs by their bytes instead of size and time.
        verify: read every finished output and compare it with its record; outputs without a
            record are made again and compared.
        overwrite: finished or foreign, all is done again.
    """

    checksum: bool = False
    verify: bool = False
    overwrite: bool = False


class Ledger:
    """Reads and writes the manifests of the folders that a run touches.

    Args:
        run: what the records of this run share.
        rules: how finished work is recognised.
    """

    def __init__(self, run: Run, rules: Rules = Rules()) -> None:
        self.run, self.rules = run, rules
        self._entries: dict[Path, dict[str, list[Entry]]] = {}
        self._memories: dict[Path, list[tuple[str, dict[str, list[Entry]]]]] = {}
        self._manifests: dict[Path, Manifest] = {}
        self._open: dict[Path, Manifest] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The manifests that this run has written."""
        return tuple(m.path for m in self._manifests.values() if m.has_begun)

    def settled(self, job: Job) -> Outcome[R] | None:
        """Say what became of a job whose output exists; None where there is work to do."""
        if self.rules.overwrite or not is_present(job.target):
            return None
        try:
            facts = job.target.lstat()
        except OSError as error:
            return _kept(job, f"{job.target} exists already and cannot be seen: {error.strerror}")
        if not stat.S_ISREG(facts.st_mode):
            return _kept(job, f"{job.target} exists already and is no file of darkroom's")
        entries = self._entries_of(job)
        if not entries and self.rules.verify:
            return None  # made again, and compared when it is to get its name
        return self._judged(job, facts.st_size, entries)

    def intend(self, job: Job, seen: Seen | None, published: Published) -> None:
        """Note that an output is complete and is about to get its name.

        Raises:
            FileProblem: the note cannot be written.
        """
        record = job_record(job, self.run) | seen_record(seen)
        record |= published_record(published) | {"status": WRITING}
        self._manifest(job.root).append(record)

    def remember(self, outcome: Outcome[R]) -> Outcome[R]:
        """Note what became of a job; return the outcome as it was noted.

        Raises:
            StoppedEarly: the record cannot be written.
        """
        has_failed = outcome.status == "failed"
        if self.rules.checksum and outcome.seen and not has_failed:
            digest = digest_of(outcome.source)
            if look_at(outcome.source) == outcome.seen:  # else it is another file by now
                outcome = replace(outcome, seen=replace(outcome.seen, sha256=digest))
        if has_failed and is_nowhere(outcome.job):
            return outcome
        try:
            self._manifest(outcome.job.root).append(outcome_record(outcome, self.run))
        except FileProblem as problem:
            if not has_failed:
                raise StoppedEarly(f"stopped: {problem.what}; {problem.advice}") from problem
        return outcome

    def close(self) -> None:
        """Bring every manifest to the disk.

        Raises:
            StoppedEarly: the disk did not take one.
        """
        problems = []
        for manifest in self._manifests.values():
            try:
                manifest.close()
            except FileProblem as problem:
                problems.append(problem)
        for first in problems:
            raise StoppedEarly(f"stopped: {first.what}; {first.advice}") from first

    def _fitting(self, target: Path, size: int, entries: list[Entry]) -> list[Entry]:
        """Return the records that describe the output as it is now."""
        fitting = [entry for entry in entries if entry.out_size == size]
        contents = {entry.out_sha256 for entry in fitting}
        is_certain = any(entry.is_certain for entry in fitting)
        if self.rules.verify or len(contents) > 1 or not is_certain:
            found = digest_of(target)
            fitting = [entry for entry in fitting if entry.out_sha256 == found]
        return fitting

    def _judged(self, job: Job, size: int, entries: list[Entry]) -> Outcome[R] | None:
        """Say whether one of the records of an output of `size` bytes is of this very work.

        Their order means nothing: clocks differ, and so do the names of manifests.
        """
        if not entries:
            return _kept(job, f"{job.target} exists already, and no record says that it is done")
        fitting = self._fitting(job.target, size, entries)
        if not fitting:
            return _kept(job, f"{job.target} was changed since darkroom wrote it")
        mine = [entry for entry in fitting if entry.made_by == made_by(run_facts(self.run))]
        if not mine:
            return _kept(job, f"{job.target} was made with other settings or another model")
        if self.rules.checksum and not any(entry.seen and entry.seen.sha256 for entry in mine):
            return None  # made again, and compared: no record knows the bytes of the input
        return self._traced(job, mine)

    def _traced(self, job: Job, entries: list[Entry]) -> Outcome[R]:
        """Say whether one of the records tells of the input as it is now."""
        seen = look_at(job.source)
        same = [e for e in entries if seen is None or self._is_same(job.source, seen, e.seen)]
        if not same:
            return _kept(job, f"{job.target} was made from another version of {job.source}")
        others = [entry.source for entry in same if is_another(entry.source, job.source)]
        if len(others) == len(same) and not self.rules.checksum:
            return _kept(job, f"{job.target} was made from {others[0]}")
        return Outcome(job, "skipped", message=DONE_BEFORE, seen=seen)

    def _is_same(self, source: Path, now: Seen, then: Seen | None) -> bool:
        """Whether an input is the one that a record tells of."""
        if self.rules.checksum:
            return then is not None and then.sha256 is not None and digest_of(source) == then.sha256
        return then is not None and (now.size, now.mtime_ns) == (then.size, then.mtime_ns)

    def _entries_of(self, job: Job) -> list[Entry]:
        """Return the records of an output, be they kept in its folder or in one above.

        `enhance card` keeps the records of card/day in card, `enhance card/day` in card/day.
        """
        folder = job.target.parent
        if folder not in self._memories:
            self._memories[folder] = [*self._memories_of(folder)]
        name = job.target.name
        return [
            entry
            for prefix, entries in self._memories[folder]
            for entry in entries.get(prefix + name, ())
        ]

    def _memories_of(self, folder: Path) -> Iterator[tuple[str, dict[str, list[Entry]]]]:
        """Yield the way from each remembering folder to this one, and what it remembers.

        Where links are on the way, folders above are those of its name and those of its place.
        """
        for here in {Path(os.path.abspath(folder)), Path(os.path.realpath(folder))}:  # noqa: PTH100
            for above in (here, *here.parents):
                if above not in self._entries:
                    self._entries[above] = read_entries(above)
                if self._entries[above]:
                    way = here.relative_to(above).as_posix()
                    yield "" if way == "." else f"{way}/", self._entries[above]

    def _manifest(self, root: Path) -> Manifest:
        if root not in self._manifests:
            self._manifests[root] = Manifest(root, header(self.run))
        manifest = self._manifests[root]
        if root not in self._open:
            if len(self._open) >= MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            self._open[root] = manifest
        return manifest


@contextmanager
def noting(run: Run) -> Iterator[Intend]:
    """Yield what notes intentions, in a process that does jobs for a run led by another one."""
    os.chdir(run.cwd)  # where the names in jobs and settings start from
    with closing(Ledger(run)) as ledger:
        yield ledger.intend


def digest_of(path: Path) -> str | None:
    """Return the sha256 of a file's bytes, None if it is no file or cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def is_nowhere(job: Job) -> bool:
    """Whether the output of a missing input would lie in a folder that is missing as well."""
    is_beside = job.root / job.below == job.source
    return is_beside and not os.path.isdir(job.root)  # noqa: PTH112 - never raises


def check_memories(jobs: Iterable[Job]) -> None:
    """Refuse folders of outputs in which nothing can be remembered.

    Raises:
        UsageProblem: something else has the name of the folder for manifests.
    """
    for folder in {job.root / FOLDER for job in jobs}:
        if os.path.lexists(folder) and not os.path.isdir(folder):  # noqa: PTH112 - never raises
            raise UsageProblem(f"{folder} is in the way: it must be a folder; move it away")


def is_another(recorded: str, source: Path) -> bool:
    """Whether the input of a record still exists and is another file than `source`."""
    try:
        return not os.path.samefile(recorded, source)  # noqa: PTH121 - Paths are slow
    except (OSError, ValueError):
        return False  # it was moved, or is on another machine


def run_facts(run: Run) -> Record:
    """Return what a run's records say of the settings."""
    return {"params": run.params, "weights": run.weights, "darkroom": __version__}


def _kept(job: Job, why: str) -> Outcome[R]:
    return Outcome(job, "failed", FailureCode.COLLISION, f"{why}; {REDO}", "plan")
