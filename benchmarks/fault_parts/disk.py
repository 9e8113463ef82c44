"""Part 3, the second half: one whole run with a failing system call, and on a disk that is full."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.fault_parts.command_line import (
    DARKROOM,
    Ended,
    arguments,
    draw_frames,
    enhance,
    outputs,
    parts,
    run,
    same,
)
from benchmarks.fault_parts.findings import Findings

FILES = 3
CALLS = ("write", "fsync", "link", "linkat", "rename", "renameat2", "unlink", "ftruncate")
STOPPED_EARLY = 5
SMALL_DISK, LARGE_DISK = "size=700k", "size=1g"  # a tmpfs takes only what it holds


def check_calls(
    folder: Path, model: Path, *, most: int | None, calls: tuple[str, ...] = CALLS
) -> Findings:
    """Let the n-th call of each kind fail as on a full disk, n = 1, 2, ... until none does.

    Args:
        folder: for inputs and outputs.
        model: weights of a small network.
        most: the last n to try, None for all.
        calls: names of system calls.
    """
    found = Findings()
    if not strace_works():
        found.numbers = {"runs with a failing call": "skipped: strace does not work here"}
        return found
    inputs = draw_frames(folder / "in", FILES)
    reference = outputs_of_whole_run(inputs, folder / "reference", model)
    for call in calls:
        faults = survived = nth = 0
        while most is None or nth < most:
            nth += 1
            out, log = folder / "out", folder / "strace.log"
            ended = run([*failing(call, nth, log), *DARKROOM, *arguments(inputs, out, model)])
            if "INJECTED" not in log.read_text(errors="replace"):
                shutil.rmtree(out, ignore_errors=True)
                break
            faults += 1
            survived += ended.code == 0
            wrong = wrong_after_fault(inputs, out, model, ended, reference)
            found.broken += [f"{call} {nth}: {text}" for text in wrong]
        found.numbers[f"failed calls of {call}"] = faults
        found.numbers[f"of {call}, harmless (exit 0, all outputs right)"] = survived
    return found


def strace_works() -> bool:
    """Whether system calls can be made to fail here."""
    if shutil.which("strace") is None:
        return False
    line = ["strace", "-f", "-e", "inject=fsync:error=ENOSPC:when=1", "true"]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


def failing(call: str, nth: int, log: Path) -> list[str]:
    """Return the start of a command line whose n-th `call` fails (in each of its threads)."""
    inject = f"inject={call}:error=ENOSPC:when={nth}"
    return ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}", "-e", inject]


def outputs_of_whole_run(inputs: Path, out: Path, model: Path) -> dict[str, bytes]:
    """Return the outputs of a run without faults."""
    ended = enhance(inputs, out, model)
    assert ended.code == 0, ended.complaints
    return outputs(out)


def wrong_after_fault(
    inputs: Path, out: Path, model: Path, ended: Ended, reference: dict[str, bytes]
) -> list[str]:
    """Return what must not be after a fault, and after the rerun without one; empty `out`."""
    left = outputs(out)
    wrong = [f"{name} differs" for name in same(left, reference) if name in left]
    if ended.code == 0 and left.keys() != reference.keys():
        wrong.append("exit 0, but outputs are missing")
    again = enhance(inputs, out, model)
    if again.code != 0:
        wrong.append(f"the rerun ended with {again.code}: {again.complaints[-300:]}")
    wrong += [f"{name} differs after the rerun" for name in same(outputs(out), reference)]
    wrong += [f"{part} is left after the rerun" for part in parts(out)]
    shutil.rmtree(out, ignore_errors=True)
    return wrong


def check_full_disk(folder: Path, model: Path, *, files: int = 12) -> Findings:
    """Fill a small disk with outputs: exit 5, whole files only; with room, the rerun finishes."""
    found, disk = Findings(), folder / "disk"
    inputs = draw_frames(folder / "in", files)
    reference = outputs_of_whole_run(inputs, folder / "reference", model)
    with small_disk(disk) as is_mounted:
        if not is_mounted:
            found.numbers = {"full disk": "skipped: a file system cannot be mounted here"}
            return found
        out = disk / "out"
        ended = enhance(inputs, out, model)
        left = outputs(out)
        if ended.code != STOPPED_EARLY:
            found.broken.append(f"full disk: exit {ended.code}, not 5: {ended.complaints[-300:]}")
        wrong = [name for name in same(left, reference) if name in left]
        found.broken += [f"full disk: {name} differs" for name in wrong]
        found.broken += [f"full disk: {part} was left behind" for part in parts(out)]
        mount("-o", f"remount,{LARGE_DISK}", disk)
        again = enhance(inputs, out, model)
        if again.code != 0 or same(outputs(out), reference):
            found.broken.append(f"full disk: the rerun with room ended with {again.code}")
    found.numbers = {"outputs on the full disk": len(left), "of": files}
    return found


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of 700 kB on `folder` and tell whether that worked (it needs root)."""
    folder.mkdir()
    is_mounted = mount("-t", "tmpfs", "-o", SMALL_DISK, "tmpfs", folder)
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


def mount(*options: str | Path) -> bool:
    """Call mount and tell whether it worked."""
    if shutil.which("mount") is None:
        return False
    done = subprocess.run(["mount", *map(str, options)], capture_output=True, check=False)
    return done.returncode == 0
