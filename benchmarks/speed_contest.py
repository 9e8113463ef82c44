"""Sections `one` and `batch`: a naive port of SID beside darkroom, on the same files, in turn."""

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from speed_bench import VARIANTS, Bench, enhance, enhance_cold, facts
from speed_process import HERE, Contestant, Facts, Refused, facts_of, finished, interleaved, say

TILES = {"naive, full frame": 0, "naive, 512 tiles": 512}
SMALL = 1  # megapixels, to compare pictures
SLOW = 1  # rounds of the batches that take long: naive ports, other programs, other precisions
ALONE = ("default", "fp32", "int8", "torch", "torch fp32")
BATCHED = ("default", "fp32", "int8", "torch")  # the first one is what users get


def port(bench: Bench, out: Path, files: Sequence[Path], *arguments: str) -> list[str | Path]:
    """Return the command line of the naive port."""
    script = HERE / "speed_naive.py"
    return [sys.executable, script, bench.weights(".pth"), out, *files, *arguments]


def naive(bench: Bench, tile: int, count: int) -> Facts:
    """Run the naive port over so many files."""
    files = bench.frames(count)
    with bench.scratch() as out:
        done = finished(port(bench, out, files, "--tile", str(tile)))
    stages = json.loads(done.output.splitlines()[-1])
    return {"whole": done.seconds, "peak_mb": done.peak_mb, **stages}


def ours(bench: Bench, model: str, extra: tuple[str, ...], count: int) -> Facts:
    """Run darkroom over so many files with a warm cache."""
    with bench.scratch() as out:
        return facts(*enhance(bench, bench.frames(count), out, "--model", model, *extra))


def cold(bench: Bench, model: str, extra: tuple[str, ...]) -> float:
    """Return the seconds of a run over one file that finds nothing kept from earlier ones."""
    with bench.scratch() as out:
        done, _ = enhance_cold(bench, bench.frames(1), out, "--model", model, *extra)
    return done.seconds


def row_names(bench: Bench, variants: Sequence[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return darkroom's rows: their names, models and arguments."""
    return {
        f"{name}, {variant}": (model, VARIANTS[variant])
        for name, model in bench.models().items()
        for variant in variants
    }


def one(bench: Bench) -> Facts:
    """Time one file from a fresh process: with a cold cache once, then with a warm one in turn."""
    rows = {name: Contestant(partial(naive, bench, t, 1), bench.runs) for name, t in TILES.items()}
    first, refused = {}, {}
    for name, (model, extra) in row_names(bench, ALONE).items():
        try:
            first[name] = round(cold(bench, model, extra), 3)
            rows[name] = Contestant(partial(ours, bench, model, extra, 1), bench.runs)
        except Refused as refusal:
            refused[name] = str(refusal)
            say(f"  {name}: {refusal}")
    found = interleaved(rows)
    for name in found["rows"].keys() & first.keys():
        found["rows"][name]["cold"] = first[name]
    return {**found, "skipped": refused | found["skipped"], "agreement": agreement(bench)}


def agreement(bench: Bench) -> Facts:
    """Return how far darkroom's picture is from the naive port's: fp32, same file and weights."""
    file = bench.frame(SMALL)
    with bench.scratch() as theirs, bench.scratch() as out, suppress(Refused):
        finished(port(bench, theirs, [file]))
        enhance(bench, [file], out, "--model", str(bench.weights()), *VARIANTS["fp32"])
        pictures = [folder / f"{file.name}.tif" for folder in (theirs, out)]
        found: Facts = facts_of("speed_compare.py", "pair", *pictures)
        return found
    return {}  # a darkroom that knows no fp32


def batch(bench: Bench, first: Facts) -> Facts:
    """Time batches; what each further file takes follows from section `one`.

    Args:
        bench: the files.
        first: section `one`.
    """
    few, known = bench.slow_batch, first["rows"]
    rows = {name: Contestant(partial(naive, bench, t, few), SLOW) for name, t in TILES.items()}
    for name, (model, extra) in row_names(bench, BATCHED).items():
        rounds = bench.runs if name.endswith(BATCHED[0]) else SLOW
        rows[name] = Contestant(partial(ours, bench, model, extra, bench.batch), rounds)
    found = interleaved({name: row for name, row in rows.items() if name in known})
    for name, row in found["rows"].items():
        row["files"] = few if name in TILES else bench.batch
        if row["files"] > 1:
            further = (row["whole"] - known[name]["whole"]) / (row["files"] - 1)
            row["further"] = round(further, 3)
    return found
