"""Part 6: what it costs to decode in a process of its own."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.fault_parts.findings import Findings
from darkroom.batch.decoder import Decoder
from darkroom.camera.read import read_raw
from tests.raw_codecs import lossless, uncompressed
from tests.raw_files import noisy_mosaic

SHAPE = (4000, 6016)  # 24 MP; whole tiles
LIMIT_SHARE, LIMIT_SECONDS = 0.05, 0.025  # more than in-process: either may hold
WRITERS = {"uncompressed": uncompressed, "lossless JPEG": lossless}


def check_isolation(
    folder: Path, *, rounds: int, shape: tuple[int, int] = SHAPE, writers: tuple[str, ...] = ()
) -> Findings:
    """Read one frame in this process and through the decoder, in turn, and compare medians."""
    found = Findings()
    for name in writers or tuple(WRITERS):
        path = folder / f"{name}.dng"
        path.write_bytes(WRITERS[name](noisy_mosaic(shape), "RGGB"))
        here, there = medians(path, rounds)
        found.numbers[f"{name}, ms"] = {
            "in this process": round(1000 * here, 1),
            "in its own": round(1000 * there, 1),
            "more, %": round(100 * (there / here - 1), 1),
        }
        if there - here > max(LIMIT_SHARE * here, LIMIT_SECONDS):
            found.broken.append(f"isolation costs {1000 * (there - here):.0f} ms for {name}")
        path.unlink()
    return found


def medians(path: Path, rounds: int) -> tuple[float, float]:
    """Return the median seconds in this process and in the decoder's, after one warm-up each."""
    here: list[float] = []
    there: list[float] = []
    with Decoder() as decoder:
        for _ in range(rounds + 1):
            here.append(seconds(lambda: read_raw(path)))
            there.append(seconds(lambda: decoder.read(path)))
    return statistics.median(here[1:]), statistics.median(there[1:])


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes; its result is dropped inside that time."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
