"""Section `limit`: darkroom's seconds over what the arithmetic and the bytes alone would take.

The rates of this machine are measured right before and right after the runs, in each precision. The
floor of a network is its operations over the rate of its precision. The floor of the other stages
is a plain copy: the file read, as many bytes as the picture has written to the disk, and read back.
"""

from functools import partial

from speed_bench import VARIANTS, Bench
from speed_contest import ours
from speed_process import Contestant, Facts, Refused, facts_of, interleaved

MEASURED = ("default", "fp32", "int8")
COPIED = ("read", "render", "write")  # stages that move bytes


def limit(bench: Bench) -> Facts:
    """Measure rates, runs, rates again, and a copy; return the ratios."""
    models = bench.models()
    before = rates()
    rows = {
        f"{name}, {variant}": Contestant(
            partial(ours, bench, model, VARIANTS[variant], 1), bench.runs
        )
        for name, model in models.items()
        for variant in MEASURED
    }
    found = interleaved(rows)
    best = better(before, rates())
    work = facts_of("speed_limits.py", "work", bench.megapixels, *models.values())
    for name, row in found["rows"].items():
        model = models[name.partition(",")[0]]
        row.update(arithmetic(row, work[model], best))
        row.update(copying(bench, row))
    return {**found, "rates": best}


def rates() -> Facts:
    """Return giga-operations a second by precision; empty where they cannot be measured."""
    try:
        found: Facts = facts_of("speed_limits.py", "rates")
    except Refused:
        return {}
    return found


def better(one: Facts, other: Facts) -> Facts:
    """Return the better of two measurements, precision by precision.

    >>> better({"fp32": {"gflops": 2}}, {"fp32": {"gflops": 3}, "bf16": {"gflops": 1}})
    {'fp32': {'gflops': 3}, 'bf16': {'gflops': 1}}
    """
    every = [*one, *(name for name in other if name not in one)]
    empty = {"gflops": 0}
    return {
        name: max(one.get(name, empty), other.get(name, empty), key=lambda rate: rate["gflops"])
        for name in every
    }


def arithmetic(row: Facts, gflop: float, best: Facts) -> Facts:
    """Return the floor of a row's network, and how many times longer it took."""
    precision = next((name for name in best if name in str(row["device"]).split()), None)
    if precision is None:
        return {"gflop": gflop}
    floor = gflop / best[precision]["gflops"]
    ratio = round(row["network"] / floor, 2)
    return {"gflop": gflop, "precision": precision, "floor": round(floor, 4), "over_floor": ratio}


def copying(bench: Bench, row: Facts) -> Facts:
    """Return the floor of what is no network, and how many times longer it took."""
    plain = facts_of("speed_limits.py", "copy", bench.frame(), row["out_size"], bench.folder)
    others = sum(row.get(stage, 0) for stage in COPIED)
    ratio = round(others / plain["seconds"], 2)
    return {"copy": plain["seconds"], "copy_mb": plain["mb"], "others_over_copy": ratio}
