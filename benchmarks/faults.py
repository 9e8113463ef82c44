"""Damage files, kill runs, fill disks and poison decoders; count what darkroom does not survive.

    python -m benchmarks.faults [PART ...] [--short] [--data FILE ...] [-o results.json]

Run it from the root of the project; without PART it runs all of them, for hours. Parts that need
strace, or root to mount a small disk, say so where these are missing. Exit 1: a promise broke.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.fault_parts.batches import check_batches
from benchmarks.fault_parts.disk import check_calls, check_full_disk
from benchmarks.fault_parts.findings import Findings
from benchmarks.fault_parts.isolation import check_isolation
from benchmarks.fault_parts.kills import check_kills
from benchmarks.fault_parts.memory import check_growth, check_peaks
from benchmarks.fault_parts.poison import check_poison
from benchmarks.fault_parts.reading import check_reading
from benchmarks.fault_parts.writers import check_writers
from darkroom import __version__
from tests.conftest import small_weights

RESULTS = Path(__file__).parent / "results" / "faults.json"


@dataclass(frozen=True)
class Setting:
    """What a part works with.

    Attributes:
        folder: an empty folder of its own.
        model: weights of a small network.
        short: make it minutes instead of hours.
        data: whole RAW files of real cameras.
    """

    folder: Path
    model: Path
    short: bool
    data: tuple[Path, ...]

    def count(self, full: int, short: int) -> int:
        """Return how often to do something."""
        return short if self.short else full


PARTS: dict[str, Callable[[Setting], Findings]] = {
    "reading": lambda at: check_reading(at.folder, count=at.count(5000, 300), real=at.data),
    "batches": lambda at: check_batches(at.folder, at.model, count=at.count(5000, 300)),
    "kills": lambda at: check_kills(at.folder, at.model, count=at.count(100, 4)),
    "writers": lambda at: check_writers(at.folder),
    "calls": lambda at: check_calls(at.folder, at.model, most=3 if at.short else None),
    "disk": lambda at: check_full_disk(at.folder, at.model),
    "poison": lambda at: check_poison(at.folder, at.model),
    "growth": lambda at: check_growth(at.folder, at.model, files=at.count(500, 100)),
    "peaks": lambda at: check_peaks(at.folder, megapixels=(12,) if at.short else (12, 24)),
    "isolation": lambda at: check_isolation(at.folder, rounds=at.count(10, 3)),
}


def run_part(name: str, *, short: bool, data: tuple[Path, ...]) -> tuple[Findings, float]:
    """Run one part in a folder that is removed afterwards; return what it found, and seconds."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "work"
        folder.mkdir()
        found = PARTS[name](Setting(folder, small_weights(Path(scratch)), short, data))
    return found, round(time.perf_counter() - started, 1)


def table(name: str, found: Findings, seconds: float) -> Iterable[str]:
    """Yield what a part found, line by line."""
    yield f"{name} ({seconds:g} s)"
    yield from (f"  {what:<48} {number}" for what, number in found.numbers.items())
    yield f"  {'broken promises':<48} {len(found.broken)}"
    yield from (f"    {text}" for text in found.broken)


def recorded(path: Path, parts: dict[str, object]) -> None:
    """Write the record; parts of an earlier one that did not run now stay."""
    earlier = json.loads(path.read_text())["parts"] if path.exists() else {}
    path.write_text(json.dumps({"parts": {**earlier, **parts}}, indent=1) + "\n")


def main() -> None:
    """Run the parts, print their tables, write the record; exit 1 if a promise broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true", help="few repetitions")
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="good real RAW files")
    parser.add_argument("-o", "--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no part called {', '.join(sorted(unknown))}")
    made = {"date": date.today().isoformat(), "darkroom": __version__, "short": options.short}
    made |= {"machine": platform.machine(), "cores": os.cpu_count()}
    broken = 0
    for name in options.parts or PARTS:
        found, seconds = run_part(name, short=options.short, data=tuple(options.data))
        print(*table(name, found, seconds), sep="\n", flush=True)
        broken += len(found.broken)
        result = {**made, "seconds": seconds, "numbers": found.numbers, "broken": found.broken}
        recorded(options.out, {name: result})
    raise SystemExit(1 if broken else 0)


if __name__ == "__main__":
    main()
