"""Part 2: the program killed at random moments, and run again."""

import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_parts.command_line import (
    DARKROOM,
    SUFFIX,
    Ended,
    arguments,
    draw_frames,
    enhance,
    new_mark,
    orphans,
    outputs,
    parts,
    same,
    start,
)
from benchmarks.fault_parts.findings import Findings

FILES = 16
SHAPE = (512, 768)  # large enough that a good part of a run is writing
RERUNS = 3  # at most, until exit 0


@dataclass(frozen=True)
class Undisturbed:
    """The run that nobody killed.

    Attributes:
        tree: its outputs.
        first_record: seconds until its first file was done.
        seconds: until its end.
    """

    tree: dict[str, bytes]
    first_record: float
    seconds: float


def check_kills(folder: Path, model: Path, *, count: int, files: int = FILES) -> Findings:
    """Kill a run `count` times: outputs are whole or absent, and a rerun does what is missing.

    Every other time only the main process is killed, so that its decoder has to notice.
    """
    inputs = draw_frames(folder / "in", files, shape=SHAPE)
    reference = undisturbed(inputs, folder / "reference", model)
    found, done, parts_left, in_time = Findings(), 0, 0, 0
    rng = random.Random(0)
    for number in range(count):
        out = folder / f"out-{number}"
        whole_group = number % 2 == 0
        hit, left = kill(inputs, out, model, moment(rng, reference), whole_group=whole_group)
        in_time += hit
        finished = outputs(out) if out.exists() else {}
        done += len(finished)
        parts_left += len(parts(out))
        wrong = [f"process {process} lived on" for process in left]
        wrong += [f"{name} differs" for name in same(finished, reference.tree) if name in finished]
        wrong += wrong_reruns(inputs, out, model, finished, reference)
        found.broken += [f"kill {number}: {text}" for text in wrong]
        shutil.rmtree(out, ignore_errors=True)
    found.numbers = {"kills": count, "of them before the end of the run": in_time}
    found.numbers |= {"files of a run": files, "outputs after kills": done}
    found.numbers["half-written files after kills, all hidden"] = parts_left
    return found


def undisturbed(inputs: Path, out: Path, model: Path) -> Undisturbed:
    """Run to the end."""
    ended = enhance(inputs, out, model)
    assert ended.code == 0, ended.complaints
    assert ended.first_record is not None
    return Undisturbed(outputs(out), ended.first_record, ended.seconds)


def moment(rng: random.Random, reference: Undisturbed) -> float:
    """Return when to kill, in seconds: mostly while files are written, sometimes before."""
    earliest = 0.0 if rng.random() < 0.2 else 0.9 * reference.first_record
    return rng.uniform(earliest, reference.seconds)


def kill(
    inputs: Path, out: Path, model: Path, seconds: float, *, whole_group: bool
) -> tuple[bool, list[int]]:
    """Start a run and kill it after some seconds.

    Returns:
        Whether it still ran then, and its processes that lived on.
    """
    mark, silent = new_mark(), subprocess.DEVNULL
    process = start(
        [*DARKROOM, *arguments(inputs, out, model)], mark=mark, stdout=silent, stderr=silent
    )
    time.sleep(seconds)
    if process.poll() is None:
        (os.killpg if whole_group else os.kill)(process.pid, signal.SIGKILL)
    return process.wait() < 0, orphans(mark)


def wrong_reruns(
    inputs: Path, out: Path, model: Path, finished: dict[str, bytes], reference: Undisturbed
) -> list[str]:
    """Run again until exit 0 and return what was wrong with that."""
    ended = enhance(inputs, out, model)
    wrong = wrong_partition(ended, set(finished), set(reference.tree))
    for _ in range(RERUNS):
        if ended.code == 0:
            break
        wrong.append(f"the rerun ended with {ended.code}: {ended.complaints[-300:]}")
        ended = enhance(inputs, out, model)
    wrong += [f"{name} differs after the rerun" for name in same(outputs(out), reference.tree)]
    return wrong + [f"{part} is left after the rerun" for part in parts(out)]


def wrong_partition(ended: Ended, finished: set[str], wanted: set[str]) -> list[str]:
    """Return how a rerun differs from: skip what is finished, do the rest, each file once."""
    by_status: dict[str, list[str]] = {}
    for record in ended.records:
        name = Path(str(record["in"])).name + SUFFIX
        by_status.setdefault(str(record["status"]), []).append(name)
    wrong = []
    if sorted(by_status.pop("skipped", [])) != sorted(finished):
        wrong.append("the rerun did not skip exactly the finished files")
    if sorted(by_status.pop("ok", [])) != sorted(wanted - finished):
        wrong.append("the rerun did not do exactly the missing files")
    return wrong + [f"the rerun calls {names} {status}" for status, names in by_status.items()]
