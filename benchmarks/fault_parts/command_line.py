"""Run `darkroom enhance` as a user does, in processes of its own, and look at what it left."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from darkroom.errors import FileProblem
from darkroom.picture.load import load_picture
from tests.raw_files import write_dng

ROOT = Path(__file__).parents[2]
MARK = "DARKROOM_FAULTS_RUN"  # set in the environment of a run, so that its processes can be found
GONE_WITHIN = 2.0  # seconds after the death of the main process
RATIO = "10"
SUFFIX = ".tif"

Record = dict[str, object]
DARKROOM = (sys.executable, "-m", "darkroom")


@dataclass(frozen=True)
class Ended:
    """A run that is over.

    Attributes:
        code: exit code, negative for a signal.
        records: its records, one a file.
        unreadable: lines of its standard output that are no records.
        complaints: what it wrote to the standard error.
        seconds: how long it took.
        first_record: seconds until the first record, None without one.
    """

    code: int
    records: list[Record]
    unreadable: int
    complaints: str
    seconds: float
    first_record: float | None = None


def arguments(inputs: Path, out: Path, model: Path) -> list[str]:
    """Return the arguments of a run over the folder `inputs` that stops for no failed file."""
    line = ["enhance", str(inputs), "-o", str(out), "--ratio", RATIO, "--model", str(model)]
    return [*line, "--device", "cpu", "--json", "--max-failures", "0"]


def start(
    line: Sequence[str], *, mark: str, stdout: IO[bytes] | int, stderr: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Start a run as the leader of a process group of its own."""
    environment = {**os.environ, MARK: mark, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=stdout, stderr=stderr, start_new_session=True
    )


def new_mark() -> str:
    """Return a value of MARK that no other run has."""
    return secrets.token_hex(8)


def run(line: Sequence[str]) -> Ended:
    """Run a command line to its end."""
    with tempfile.TemporaryFile() as complaints:
        started = time.perf_counter()
        process = start(line, mark=new_mark(), stdout=subprocess.PIPE, stderr=complaints)
        assert process.stdout is not None
        lines, first = [], None
        with process.stdout:
            for record_line in process.stdout:
                first = first or time.perf_counter() - started
                lines.append(record_line)
        code = process.wait()
        complaints.seek(0)
        text = complaints.read().decode(errors="replace")
    records, unreadable = parsed(lines)
    return Ended(code, records, unreadable, text, time.perf_counter() - started, first)


def enhance(inputs: Path, out: Path, model: Path) -> Ended:
    """Run `darkroom enhance` over a folder."""
    return run([*DARKROOM, *arguments(inputs, out, model)])


def parsed(lines: Sequence[bytes]) -> tuple[list[Record], int]:
    """Return the records among lines, and how many are none."""
    records: list[Record] = []
    for line in lines:
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "in" in record:
                records.append(record)
    return records, len(lines) - len(records)


def processes_of(mark: str) -> list[int]:
    """Return the ids of living processes whose environment holds the mark (Linux)."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or another user's
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def orphans(mark: str) -> list[int]:
    """Return the processes that outlive their main process by too long; they are ended then."""
    deadline = time.monotonic() + GONE_WITHIN
    while (living := processes_of(mark)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for process in living:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    return living


def outputs(out: Path) -> dict[str, bytes]:
    """Return the content of every output by its place; darkroom's own notes are left out."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(out).parts)
    }


def parts(out: Path) -> list[str]:
    """Return the half-written files that were left behind."""
    return sorted(str(path.relative_to(out)) for path in out.rglob("*.part"))


def is_whole(picture: Path) -> bool:
    """Whether an output can be decoded."""
    try:
        return bool(np.isfinite(load_picture(picture)).all())
    except FileProblem:
        return False


def disagreements(inputs: Path, out: Path, ended: Ended) -> list[str]:
    """Return where the records and what lies in the folders tell different stories."""
    names = {path.name for path in inputs.iterdir()}
    statuses: dict[str, list[str]] = {}
    for record in ended.records:
        statuses.setdefault(Path(str(record["in"])).name, []).append(str(record["status"]))
    wrong = [
        f"{name}: {len(statuses.get(name, []))} records"
        for name in sorted(names)
        if len(statuses.get(name, [])) != 1
    ]
    wrong += [f"{name}: a record of no input" for name in sorted(statuses.keys() - names)]
    for name in sorted(names & statuses.keys()):
        made, target = statuses[name][-1] in {"ok", "suspect", "skipped"}, out / (name + SUFFIX)
        if made != target.exists():
            wrong.append(f"{name}: {statuses[name][-1]}, output exists: {target.exists()}")
        elif made and not is_whole(target):
            wrong.append(f"{name}: the output is not a whole picture")
    wrong += [f"{part} was left behind" for part in parts(out)]
    return wrong + ([f"{ended.unreadable} lines are no records"] if ended.unreadable else [])


def draw_frames(folder: Path, count: int, *, shape: tuple[int, int] = (128, 192)) -> Path:
    """Write `count` small RAW files, all different, and return their folder."""
    folder.mkdir(parents=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        mosaic = rng.integers(600, 2000, shape, dtype=np.uint16)
        write_dng(folder / f"{number:04}.dng", mosaic)
    return folder


def same(found: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> list[str]:
    """Return the names in which two trees differ."""
    return sorted(
        name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)
    )
