"""Run programs as a user starts them, one after the other, and tell seconds and memory.

Whoever imports this stays small: no torch, no pictures. The system counts a process's largest
memory from before it became the program that is measured, so that a large parent would show.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

HERE = Path(__file__).parent
FOLDER = re.compile(r"(?<!\S)/\S*/")  # of an absolute path


class Refused(Exception):
    """A program did not do what it was told; the text is its last word on it."""


@dataclass(frozen=True)
class Finished:
    """A program that ended well: seconds by a clock around it, its peak memory, its output."""

    seconds: float
    peak_mb: float
    output: str


@dataclass(frozen=True)
class Contestant:
    """One row of a table: what runs it once, and how often."""

    run: Callable[[], Facts]
    rounds: int


def finished(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Finished:
    """Run a program to its end, with these variables besides the usual ones.

    What earlier runs have written is brought to the disk first, outside the clock.

    Raises:
        Refused: it failed.
    """
    os.sync()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env={**usual_environment(), **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        texts = [read_back(file) for file in (output, errors)]
    if process.returncode:
        raise Refused(last_word(texts, process.returncode))
    return Finished(seconds, usage.ru_maxrss / 1024, texts[0])


def usual_environment() -> dict[str, str]:
    """Return the variables of this process without what slows every start of Python down."""
    return {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def read_back(file: Any) -> str:
    """Return what was written into a temporary file."""
    file.seek(0)
    text: str = file.read().decode(errors="replace")
    return text


def last_word(texts: Sequence[str], code: int) -> str:
    """Return the last line that says something, without folders; the errors' is the later one.

    >>> last_word(["done", "x: /a/b/c.dng: too large."], 2)
    'ended with 2: x: c.dng: too large'
    """
    lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    last = FOLDER.sub("", lines[-1]) if lines else "no word"
    return f"ended with {code}: {last.removesuffix('.')}"


def helper(script: str, *arguments: str | Path | float) -> str:
    """Run a script of this folder that needs much memory, untimed; return what it printed."""
    return finished([sys.executable, HERE / script, *map(str, arguments)]).output


def facts_of(script: str, *arguments: str | Path | float) -> Any:
    """Return what a script of this folder printed as JSON in its last line."""
    return json.loads(helper(script, *arguments).splitlines()[-1])


def interleaved(contestants: Mapping[str, Contestant]) -> Facts:
    """Run all in turn, round by round; return the medians of each, and who refused and why."""
    runs: dict[str, list[Facts]] = {name: [] for name in contestants}
    skipped: dict[str, str] = {}
    for turn in range(max((one.rounds for one in contestants.values()), default=0)):
        for name, one in contestants.items():
            if turn >= one.rounds or name in skipped:
                continue
            try:
                runs[name].append(one.run())
            except Refused as refusal:
                skipped[name] = str(refusal)
            say(f"  {name}: {shown(runs[name][-1]) if name not in skipped else skipped[name]}")
    rows = {name: medians(found) for name, found in runs.items() if found and name not in skipped}
    return {"rows": rows, "skipped": skipped}


def medians(runs: Sequence[Facts]) -> Facts:
    """Return the median of every number, and the last of everything else.

    >>> medians([{"s": 1.0, "by": "a"}, {"s": 3.0, "by": "b"}, {"s": 1.5, "by": "c"}])
    {'s': 1.5, 'by': 'c', 'rounds': 3}
    """
    found: Facts = {}
    for key, last in runs[-1].items():
        values = [run[key] for run in runs if key in run]
        found[key] = round(statistics.median(values), 3) if isinstance(last, float) else last
    return found | {"rounds": len(runs)}


def shown(facts: Facts) -> str:
    """Return the most telling numbers of a run on one line."""
    return ", ".join(
        f"{key} {value:.3g}" for key, value in facts.items() if isinstance(value, float)
    )


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)
