"""Section `limit`: darkroom's seconds over what the arithmetic and the bytes alone would take.

The floor of a network is its operations over the rate of a large matrix product in its precision,
measured in turn with it. The floor of the other stages is a plain copy: the file read, as many
bytes as the picture has written to the disk, and read back.
"""

from functools import partial

from speed_bench import VARIANTS, Bench
from speed_contest import ours
from speed_process import Contestant, Facts, facts_of, interleaved, say

PRECISIONS = {"default": "auto", "fp32": "fp32", "int8": "int8"}
ROUNDS_READY = 3  # of a network that is ready, for each round of files
COPIED = ("read", "render", "write")  # stages that move bytes


def limit(bench: Bench) -> Facts:
    """Measure runs, networks in turn with products, and a copy; return the ratios."""
    models = bench.models()
    rows = {
        f"{name}, {variant}": Contestant(
            partial(ours, bench, model, VARIANTS[variant], 1), bench.runs
        )
        for name, model in models.items()
        for variant in PRECISIONS
    }
    found = interleaved(rows)
    for name, row in found["rows"].items():
        model, variant = name.split(", ")
        row.update(arithmetic(bench, models[model], PRECISIONS[variant]))
        row.update(copying(bench, row))
        say(f"  {name}: {row['ready']} s, {row['over_floor']} of its floor")
    return found


def arithmetic(bench: Bench, model: str, precision: str) -> Facts:
    """Return the floor of a network, and how many times longer it takes once it is ready."""
    rounds = ROUNDS_READY * bench.runs
    told = (bench.megapixels, model, precision, rounds)
    found: Facts = facts_of("speed_limits.py", "network", *told)
    return {**found, "floor": round(found["gflop"] / found["gflops"], 4)}


def copying(bench: Bench, row: Facts) -> Facts:
    """Return the floor of what is no network, and how many times longer it took."""
    plain = facts_of("speed_limits.py", "copy", bench.frame(), row["out_size"], bench.folder)
    others = sum(row.get(stage, 0) for stage in COPIED)
    ratio = round(others / plain["seconds"], 2)
    return {"copy": plain["seconds"], "copy_mb": plain["mb"], "others_over_copy": ratio}
