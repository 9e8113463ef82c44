"""Part 1, the second half: mutated files through the whole command, in batches."""

import shutil
from collections import Counter
from pathlib import Path

from benchmarks.fault_parts.command_line import Ended, disagreements, enhance
from benchmarks.fault_parts.damage import mutant
from benchmarks.fault_parts.findings import Findings
from tests.raw_codecs import seeds

BATCH = 300  # files of one run
DECIDED = {0, 1}  # exit codes of a batch that came to its end


def check_batches(folder: Path, model: Path, *, count: int, batch: int = BATCH) -> Findings:
    """Enhance `count` mutants: records, outputs and exit codes must tell one story.

    Args:
        folder: for inputs and outputs.
        model: weights of a small network.
        count: how many mutants.
        batch: how many of them in one run.
    """
    found, statuses, codes, exits = Findings(), Counter[str](), Counter[str](), Counter[int]()
    for first in range(0, count, batch):
        inputs, out = folder / "in", folder / "out"
        write_mutants(inputs, range(first, min(first + batch, count)))
        ended = enhance(inputs, out, model)
        exits[ended.code] += 1
        statuses.update(str(record["status"]) for record in ended.records)
        codes.update(str(record["code"]) for record in ended.records if record["code"])
        found.broken += [f"batch {first}: {text}" for text in faults(inputs, out, ended)]
        shutil.rmtree(inputs)
        shutil.rmtree(out, ignore_errors=True)
    found.numbers = {
        "mutants through the command": count,
        "statuses": dict(statuses),
        "codes": dict(codes.most_common()),
        "exit codes": {str(code): runs for code, runs in exits.items()},
    }
    return found


def write_mutants(folder: Path, numbers: range) -> None:
    """Write mutants as files of a new folder."""
    folder.mkdir()
    whole = seeds()
    for number in numbers:
        name, content = mutant(whole, number)
        (folder / name).write_bytes(content)


def faults(inputs: Path, out: Path, ended: Ended) -> list[str]:
    """Return what a batch of damaged files must not do."""
    wrong = disagreements(inputs, out, ended)
    good = {str(record["status"]) for record in ended.records} <= {"ok", "skipped"}
    if ended.code not in DECIDED or (ended.code == 0) != good:
        wrong.append(f"exit code {ended.code}: {ended.complaints[-300:]}")
    if "Traceback" in ended.complaints:
        wrong.append(f"a traceback: {ended.complaints[-300:]}")
    wrong += [
        f"{record['in']}: an internal error"
        for record in ended.records
        if record["code"] == "E_INTERNAL"
    ]
    return wrong
