"""Part 4: files that crash, hang, fill or garble the decoder, among good ones."""

import sys
from collections import Counter
from pathlib import Path

from benchmarks.fault_parts.command_line import arguments, disagreements, draw_frames, run
from benchmarks.fault_parts.findings import Findings

FILES = 60
TIME_LIMIT = 3.0  # seconds a file, so that those that hang take little time
PROGRAM = (sys.executable, "-m", "benchmarks.fault_parts.poisoned_darkroom")

# What tests/batch/poison_worker.py does, and what the user is to be told.
EXPECTED = {
    "null": "E_DECODE_CRASH",  # a segmentation fault
    "exit": "E_DECODE_CRASH",
    "busy": "E_DECODE_TIMEOUT",
    "sleep": "E_DECODE_TIMEOUT",
    "memory": "E_OOM_HOST",
    "garbage": "E_INTERNAL",
}


def check_poison(folder: Path, model: Path, *, files: int = FILES) -> Findings:
    """Enhance a folder with six poison files: these are named, all others are done, exit 1."""
    inputs, out = draw_frames(folder / "in", files), folder / "out"
    wanted = poisoned(inputs)
    limit = ["--decode-timeout", f"{TIME_LIMIT:g}"]
    ended = run([*PROGRAM, *arguments(inputs, out, model), *limit])
    found = Findings(broken=disagreements(inputs, out, ended))
    codes = {Path(str(record["in"])).name: record["code"] for record in ended.records}
    for name in sorted(codes):
        if codes[name] != wanted.get(name):
            found.broken.append(f"{name}: {codes[name]} instead of {wanted.get(name)}")
    if ended.code != 1:
        found.broken.append(f"exit code {ended.code}: {ended.complaints[-300:]}")
    statuses = Counter(str(record["status"]) for record in ended.records)
    found.numbers = {"files": files, "of them poison": len(wanted), "statuses": dict(statuses)}
    found.numbers["poison codes"] = {name: str(codes.get(name)) for name in sorted(wanted)}
    found.numbers["seconds of the run"] = round(ended.seconds, 1)
    return found


def poisoned(inputs: Path) -> dict[str, str]:
    """Poison files of a folder, evenly spread; return their names with the codes to expect."""
    paths = sorted(inputs.iterdir())
    chosen = paths[2 :: max(1, len(paths) // len(EXPECTED))]
    wanted = {}
    for path, (poison, code) in zip(chosen, EXPECTED.items(), strict=False):
        renamed = path.with_name(f"{path.stem}-{poison}{path.suffix}")
        path.rename(renamed).write_bytes(renamed.read_bytes() + b"POISON " + poison.encode())
        wanted[renamed.name] = code
    return wanted
