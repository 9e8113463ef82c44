"""Section `small`: what darkroom takes beside the network, and to print its help."""

from functools import partial

from speed_bench import SHIPPED, VARIANTS, Bench, enhance, facts, program
from speed_process import Contestant, Facts, finished, interleaved

MEGAPIXELS = 0.3
HELP_RUNS = 10
HELPS = (("--help",), ("enhance", "--help"))


def small(bench: Bench) -> Facts:
    """Measure a small file and the helps, in turn."""
    rows = {f"{MEGAPIXELS:g} MP file": Contestant(partial(small_file, bench), bench.runs)}
    for words in HELPS:
        line = " ".join(("darkroom", *words))
        rows[line] = Contestant(partial(helped, words), HELP_RUNS)
    return interleaved(rows)


def small_file(bench: Bench) -> Facts:
    """Run darkroom on the small file; "beside" is all but the network."""
    with bench.scratch() as out:
        arguments = ("--model", SHIPPED, *VARIANTS["default"])
        found = facts(*enhance(bench, [bench.frame(MEGAPIXELS)], out, *arguments))
    return {**found, "beside": found["whole"] - found["network"]}


def helped(words: tuple[str, ...]) -> Facts:
    """Print a help."""
    done = finished(program(*words))
    return {"whole": done.seconds, "peak_mb": done.peak_mb}
