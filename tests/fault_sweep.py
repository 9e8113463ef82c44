"""Let each system call of a writer fail in turn, and look at what that leaves on the disk.

`sweep_faults` is for a writer of one file; `trials` is for everything else.
"""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from darkroom.errors import DarkroomError

CALLS = (
    *("open", "write", "fsync", "lseek", "read", "close"),
    *("link", "replace", "rename", "unlink"),
)
NUMBERS = (errno.ENOSPC, errno.EIO)
OPEN_FILES = Path("/proc/self/fd")


@dataclass
class Fault:
    """The n-th use of one call of `os` fails.

    Attributes:
        call: its name in `os`.
        number: the error it reports.
        nth: which use fails, from 1.
        is_late: the call does its work and fails all the same, as network disks may.
        uses: how often the call was used so far.
    """

    call: str
    number: int = errno.EIO
    nth: int = 1
    is_late: bool = False
    uses: int = 0

    def __str__(self) -> str:
        late = " after its work" if self.is_late else ""
        return f"{self.call} {self.nth}{late}: {errno.errorcode[self.number]}"

    @property
    def was_hit(self) -> bool:
        """Whether the fault happened."""
        return self.uses >= self.nth


@dataclass(frozen=True)
class Trial:
    """One run under a fault.

    Attributes:
        fault: what failed.
        folder: where the run worked.
        was_done: what `is_done` said when the fault happened.
        error: what the run raised.
        leaked: how many descriptors it left open.
    """

    fault: Fault
    folder: Path
    was_done: bool
    error: BaseException | None
    leaked: int


@dataclass
class Result:
    """What a sweep found.

    Attributes:
        hits: how many faults each call met.
        broken: a sentence for each promise that was broken.
    """

    hits: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def sweep_faults(
    write_once: Callable[[Path], object],
    folder: Path,
    *,
    name: str = "target",
    old: bytes | None = None,
    calls: Sequence[str] = CALLS,
    numbers: Sequence[int] = NUMBERS,
) -> Result:
    """Fail the n-th use of each call, n = 1, 2, ... until a run meets no fault.

    After each, the file is the old one or the complete new one; an error was raised if the fault
    came before the file had its name; nothing else lies about, unless removing it was what failed;
    no descriptor is left open.

    Args:
        write_once: writes the file it is given, replacing `old` if there is one.
        folder: an empty folder to work in.
        name: of the file.
        old: content of the file before; None: there is none.
        calls: names in `os` that may fail.
        numbers: the errors they report.
    """
    complete = unfaulted(write_once, folder, name=name, old=old)
    result = Result()
    for trial in trials(
        lambda place: write_once(place / name),
        folder,
        prepare=lambda place: put(place / name, old),
        is_done=lambda place: content_of(place / name) == complete,
        calls=calls,
        numbers=numbers,
    ):
        result.hits[trial.fault.call] += trial.fault.was_hit
        for promise in broken_promises(trial, trial.folder / name, old=old, complete=complete):
            result.broken.append(f"{trial.fault}: {promise}")
    return result


def unfaulted(
    write_once: Callable[[Path], object], folder: Path, *, name: str, old: bytes | None
) -> bytes:
    """Return what a run without any fault writes."""
    place = folder / "without fault"
    place.mkdir()
    put(place / name, old)
    write_once(place / name)
    return (place / name).read_bytes()


def broken_promises(
    trial: Trial, target: Path, *, old: bytes | None, complete: bytes
) -> Iterator[str]:
    """Yield what a run did that no writer may do."""
    fault, found = trial.fault, content_of(target)
    if found not in (old, complete):
        yield f"the file is neither the old nor the new one, but {found!r:.40}"
    if trial.error is None and found != complete:
        yield "no error, but no complete file"
    if trial.error is None and fault.was_hit and not trial.was_done:
        yield "no error, although it failed before the file had its name"
    if trial.error is not None and not fault.was_hit:
        yield f"without any fault: {trial.error!r}"
    if trial.error is not None and not isinstance(trial.error, DarkroomError):
        yield f"an error that users cannot read: {trial.error!r}"
    left = {path.name for path in trial.folder.iterdir()} - {target.name}
    if left and fault.call != "unlink":
        yield f"left behind: {sorted(left)}"
    if trial.leaked:
        yield f"{trial.leaked} descriptors left open"


def trials(
    work: Callable[[Path], object],
    folder: Path,
    *,
    prepare: Callable[[Path], object] = lambda place: None,
    is_done: Callable[[Path], bool] = lambda place: False,
    calls: Sequence[str] = CALLS,
    numbers: Sequence[int] = NUMBERS,
) -> Iterator[Trial]:
    """Yield a trial for each fault, in a folder of its own, until a run meets no fault.

    Args:
        work: what is tried, in the folder it is given.
        folder: an empty folder to work in.
        prepare: fills a trial's folder beforehand.
        is_done: asked at the moment of the fault.
        calls: names in `os` that may fail.
        numbers: the errors they report.
    """
    for call, number, is_late in product(calls, numbers, (False, True)):
        for nth in count(1):
            place = folder / f"{call} {number} {is_late} {nth}"
            place.mkdir()
            prepare(place)
            trial = tried(work, place, Fault(call, number, nth, is_late), is_done)
            yield trial
            if not trial.fault.was_hit:
                break


def tried(
    work: Callable[[Path], object], place: Path, fault: Fault, is_done: Callable[[Path], bool]
) -> Trial:
    """Run `work` under one fault."""
    done: list[bool] = []
    error: BaseException | None = None
    before = open_files()
    with injected(fault, lambda: done.append(is_done(place))):
        try:
            work(place)
        except Exception as caught:  # whatever it is, the sweep judges it
            error = caught
    return Trial(fault, place, any(done), error, open_files() - before)


@contextmanager
def injected(fault: Fault, at_fault: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let one use of a call of `os` fail inside a `with` block."""
    plain = getattr(os, fault.call)

    def call(*args: Any, **options: Any) -> Any:
        fault.uses += 1
        if fault.uses != fault.nth:
            return plain(*args, **options)
        at_fault()
        if fault.is_late or fault.call == "close":  # a descriptor is closed even then
            done = plain(*args, **options)
            if fault.call == "open":
                os.close(done)
        raise OSError(fault.number, os.strerror(fault.number))

    with patch.object(os, fault.call, call):
        yield


def put(path: Path, content: bytes | None) -> None:
    """Write a file, or none."""
    if content is not None:
        path.write_bytes(content)


def content_of(path: Path) -> bytes | None:
    """Return the bytes of a file, None if there is none."""
    return path.read_bytes() if path.exists() else None


def open_files() -> int:
    """Return how many descriptors this process has open, as far as the system tells."""
    return len([*OPEN_FILES.iterdir()]) if OPEN_FILES.exists() else 0
