"""Sections `memory` and `growth`: peak memory with and without a limit, and as frames grow."""

from functools import partial
from pathlib import Path

from speed_bench import SHIPPED, VARIANTS, Bench, enhance, facts
from speed_process import Contestant, Facts, Refused, facts_of, interleaved

WHOLE = ("--tile", "full")
LIMITS: dict[str, tuple[str, ...]] = {
    "whole frame": WHOLE,
    "default": (),
    "--max-memory 1G": ("--max-memory", "1G"),
    "--max-memory 500M": ("--max-memory", "500M"),
}
PRECISIONS = ("default", "fp32")
MEGAPIXELS = (1, 3, 6, 12, 24, 50)


def memory(bench: Bench) -> Facts:
    """Measure every limit once, and how far its picture is from the whole frame's."""
    cases = {
        f"{name}, {variant}": ("--model", model, *VARIANTS[variant])
        for name, model in bench.models().items()
        for variant in PRECISIONS
    }
    found: Facts = {"rows": {}, "skipped": {}}
    with bench.scratch() as pictures:
        for case, arguments in cases.items():
            rows = {
                f"{case}, {limit}": Contestant(
                    partial(limited, bench, pictures / limit, (*arguments, *extra)), 1
                )
                for limit, extra in LIMITS.items()
            }
            section = interleaved(rows)
            for limit in LIMITS:
                if row := section["rows"].get(f"{case}, {limit}"):
                    row.update(gap(bench, pictures / "whole frame", pictures / limit))
            for part in found:
                found[part] |= section[part]
    return found


def limited(bench: Bench, out: Path, arguments: tuple[str, ...]) -> Facts:
    """Run darkroom once into a folder that stays."""
    out.mkdir(exist_ok=True)
    return facts(*enhance(bench, [bench.frame()], out, *arguments))


def gap(bench: Bench, whole: Path, tiled: Path) -> Facts:
    """Return the largest and the mean difference to the whole frame's picture, in 16-bit levels."""
    name = f"{bench.frame().name}.tif"
    try:
        difference = facts_of("speed_compare.py", "pair", whole / name, tiled / name)
    except Refused:
        return {}
    return {f"{key}_gap": value for key, value in difference.items()}


def growth(bench: Bench) -> Facts:
    """Measure the shipped model on frames of many sizes, in turn."""
    rows = {f"{size:g}": Contestant(partial(grown, bench, size), bench.runs) for size in MEGAPIXELS}
    return interleaved(rows)


def grown(bench: Bench, megapixels: float) -> Facts:
    """Run darkroom once on a frame of a size."""
    with bench.scratch() as out:
        arguments = ("--model", SHIPPED, *VARIANTS["default"])
        return facts(*enhance(bench, [bench.frame(megapixels)], out, *arguments))
