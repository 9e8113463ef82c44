"""Part 5: memory over a long batch, and at the peak of one large frame."""

import json
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fault_parts.command_line import (
    DARKROOM,
    ROOT,
    arguments,
    draw_frames,
    new_mark,
    processes_of,
    start,
)
from benchmarks.fault_parts.findings import Findings
from tests.raw_files import noisy_mosaic, write_dng

EARLY, FILES, BEFORE_END = 50, 500, 5
GROWTH_LIMIT = 20.0  # MB over a long batch, of each process
FRAMES = {12: (3000, 4000), 24: (4000, 6000)}  # megapixels: rows, columns
PEAK_LIMIT = 1.15  # times the stated formula
DECODER_MB, DECODER_BYTES_PER_PIXEL = 65, 4  # of a decoder process: libraries, then the frame
MODEL = Path("fast-unet")  # what `darkroom doctor` speaks of, by its name


@dataclass(frozen=True)
class Resident:
    """Memory of a run's processes in MB: the main one and its decoder."""

    main: float
    worker: float


def memory_of(main: int, mark: str, field: str) -> Resident:
    """Return `field` of /proc/PID/status (VmRSS now, VmHWM highest) for the processes of a run."""
    others = [status_mb(process, field) for process in processes_of(mark) if process != main]
    return Resident(status_mb(main, field), max(others, default=0.0))


def status_mb(process: int, field: str) -> float:
    """Return a field of /proc/PID/status in MB, 0 for a process that is gone."""
    with suppress(OSError, StopIteration):
        lines = (Path("/proc") / str(process) / "status").read_text().splitlines()
        line = next(line for line in lines if line.startswith(field))
        return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def check_growth(folder: Path, model: Path, *, files: int = FILES, early: int = EARLY) -> Findings:
    """Compare memory late in a batch with memory early in it."""
    inputs, mark = draw_frames(folder / "in", files), new_mark()
    line = [*DARKROOM, *arguments(inputs, folder / "out", model)]
    process = start(line, mark=mark, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    seen: dict[int, Resident] = {}
    with process.stdout:
        for number, _ in enumerate(process.stdout, start=1):
            if number in {early, files - BEFORE_END}:
                seen[number] = memory_of(process.pid, mark, "VmRSS")
    code = process.wait()
    first, last = seen.get(early), seen.get(files - BEFORE_END)
    if code != 0 or first is None or last is None:
        return Findings(broken=[f"growth: the batch of {files} files ended with {code}"])
    growth = Resident(round(last.main - first.main, 1), round(last.worker - first.worker, 1))
    found = Findings({f"MB more after {files - BEFORE_END} files than after {early}": vars(growth)})
    found.numbers["MB then"] = vars(last)
    for name, grown in vars(growth).items():
        if grown > GROWTH_LIMIT:
            found.broken.append(f"growth: the {name} process grew by {grown} MB")
    return found


def check_peaks(folder: Path, *, megapixels: tuple[int, ...]) -> Findings:
    """Compare the highest memory of one large frame, in one piece, with what the formula states.

    Args:
        folder: for inputs and outputs.
        megapixels: sizes to try, keys of FRAMES.
    """
    found = Findings()
    for size in megapixels:
        inputs = folder / f"in-{size}"
        inputs.mkdir()
        write_dng(inputs / "frame.dng", noisy_mosaic(FRAMES[size]))
        code, peak = highest(inputs, folder / f"out-{size}", MODEL)
        stated = stated_peak(size)
        found.numbers[f"peak MB at {size} MP"] = {"measured": vars(peak), "stated": vars(stated)}
        if code != 0:
            found.broken.append(f"peak: the frame of {size} MP ended with {code}")
        for name, measured in vars(peak).items():
            if measured > PEAK_LIMIT * vars(stated)[name]:
                found.broken.append(f"peak at {size} MP: {name} took {measured} MB")
    return found


def stated_peak(megapixels: int) -> Resident:
    """Return what `darkroom doctor` states for a frame in one piece, and a decoder's formula."""
    line = [*DARKROOM, "doctor", "--json"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, check=True)
    checks = {check["topic"]: check["facts"] for check in json.loads(done.stdout)["checks"]}
    main = checks[f"{megapixels} MP"]["whole"] / 2**20
    rows, columns = FRAMES[megapixels]
    worker = DECODER_MB + DECODER_BYTES_PER_PIXEL * rows * columns / 2**20
    return Resident(round(main, 1), round(worker, 1))


def highest(inputs: Path, out: Path, model: Path) -> tuple[int, Resident]:
    """Run over a folder and return the exit code and the highest memory of its processes."""
    mark, peaks, ended = new_mark(), [Resident(0.0, 0.0)], threading.Event()
    line = [*DARKROOM, *arguments(inputs, out, model)]
    silent = subprocess.DEVNULL
    process = start(line, mark=mark, stdout=silent, stderr=silent)

    def watch() -> None:
        while not ended.is_set():
            now, before = memory_of(process.pid, mark, "VmHWM"), peaks[-1]
            highest_yet = (max(now.main, before.main), max(now.worker, before.worker))
            peaks.append(Resident(*highest_yet))
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    ended.set()
    watcher.join()
    return code, peaks[-1]
