"""Part 1: damaged files through the supervised decoder; no damage may pass as a good file."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.fault_parts.damage import mutant, replaced_blocks, truncations, zeroed_tails
from benchmarks.fault_parts.findings import Findings
from darkroom.batch.decoder import Decoder
from darkroom.camera.bayer import PHASES
from darkroom.errors import FailureCode, FileProblem
from tests.raw_codecs import NOT_BAYER, expected, seeds
from tests.raw_files import noisy_mosaic

Counts = npt.NDArray[np.uint16]

TIME_LIMIT = 20.0  # seconds that a file of a few megapixels may take
GRACE = 2.0  # seconds more until its process must be gone
SHAPES = ((128, 192), (98, 160), (130, 224))
RUN = 16  # rows that repeat are damage from here on
DAMAGED = frozenset({"E_TRUNCATED", "E_CORRUPT", "E_EMPTY", "E_NOT_RAW", "E_NOT_BAYER", "E_BLACK"})
SLOWEST_DIGITS = 2


@dataclass(frozen=True)
class Verdict:
    """What the decoder said of one file.

    Attributes:
        code: "ok" or the code of its failure.
        seconds: how long it took.
        warnings: what was said beside it.
        mosaic: its counts where it was read.
        crash: the exception that should never come out of a decoder, "" for none.
    """

    code: str
    seconds: float
    warnings: tuple[str, ...] = ()
    mosaic: Counts | None = None
    crash: str = ""


def judge(decoder: Decoder, path: Path) -> Verdict:
    """Read a file and say what became of it."""
    started = time.perf_counter()
    try:
        raw = decoder.read(path).raw
    except FileProblem as problem:
        return Verdict(str(problem.code), time.perf_counter() - started)
    except Exception as error:  # the very thing that is looked for
        said = f"{type(error).__name__}: {error}"
        return Verdict("", time.perf_counter() - started, crash=said)
    return Verdict("ok", time.perf_counter() - started, raw.warnings, raw.mosaic)


def judged(
    decoder: Decoder, files: Iterable[tuple[str, bytes]], folder: Path
) -> Iterator[tuple[str, Verdict]]:
    """Yield the verdict on each file, which lies in `folder` while it is read."""
    for name, content in files:
        path = folder / name
        path.write_bytes(content)
        yield name, judge(decoder, path)
        path.unlink()


def check_good_files(decoder: Decoder, folder: Path, real: Sequence[Path]) -> Findings:
    """Read whole files: none may be refused, and every count must be as it was written."""
    found, refused, read = Findings(), [], 0
    for shape in SHAPES:
        mosaic = noisy_mosaic(shape)
        for phase in PHASES:
            for name, verdict in judged(decoder, seeds(shape, phase=phase).items(), folder):
                read += 1
                if not is_right(name, verdict, mosaic):
                    refused.append(f"{name} {phase} {shape}: {verdict.code}{verdict.crash}")
    for path in real:
        read += 1
        verdict = judge(decoder, path)
        if verdict.code not in {"ok", FailureCode.NOT_BAYER}:
            refused.append(f"{path.name}: {verdict.code}{verdict.crash}")
    found.numbers = {"good files": read, "of them real": len(real), "wrongly refused": len(refused)}
    found.broken = [f"a good file was refused or misread: {text}" for text in refused]
    return found


def is_right(name: str, verdict: Verdict, mosaic: Counts) -> bool:
    """Whether a whole seed was read as written, or refused for being no Bayer file."""
    if name in NOT_BAYER:
        return verdict.code == FailureCode.NOT_BAYER
    return verdict.mosaic is not None and np.array_equal(verdict.mosaic, expected(name, mosaic))


def check_truncations(decoder: Decoder, folder: Path) -> Findings:
    """Read cut files: each must be refused, or hold every pixel (the cut took padding only)."""
    found, codes = Findings(), Counter[str]()
    mosaic = noisy_mosaic(SHAPES[0])
    for name, whole in seeds(SHAPES[0]).items():
        for what, content in truncations(whole):
            [(_, verdict)] = judged(decoder, [(name, content)], folder)
            codes[verdict.code] += 1
            if verdict.code not in DAMAGED and not is_right(name, verdict, mosaic):
                found.broken.append(f"{name}, {what}: {verdict.code}{verdict.crash}")
    found.numbers = {"truncations": codes.total(), "truncation codes": dict(codes)}
    return found


def check_overwritten(decoder: Decoder, folder: Path, *, most: int | None = None) -> Findings:
    """Read files with zeroed tails and replaced blocks: repeating rows must not go unnoticed.

    Args:
        decoder: reads them.
        folder: for the files, one at a time.
        most: blocks of each codec to replace, None for all.
    """
    found, fates = Findings(), Counter[str]()
    for name, whole in seeds(SHAPES[0]).items():
        if name in NOT_BAYER:
            continue
        [(_, good)] = judged(decoder, [(name, whole)], folder)
        damaged = [*zeroed_tails(whole), *islice(replaced_blocks(whole), most)]
        for what, content in damaged:
            [(_, verdict)] = judged(decoder, [(name, content)], folder)
            fate = fate_of(verdict, good)
            fates[fate] += 1
            if fate == "missed" or verdict.crash:
                found.broken.append(f"{name}, {what}: rows repeat, nothing was said{verdict.crash}")
    found.numbers = {"overwritten": fates.total(), "overwritten fates": dict(fates)}
    return found


def fate_of(verdict: Verdict, good: Verdict) -> str:
    """Return what became of a damaged file: refused, warned of, unharmed, missed or not visible."""
    if verdict.mosaic is None or good.mosaic is None:
        return "refused"
    if set(verdict.warnings) - set(good.warnings):
        return "warned of"
    if np.array_equal(verdict.mosaic, good.mosaic):
        return "unharmed"
    return "missed" if longest_repeat(verdict.mosaic) >= RUN else "documented miss"


def longest_repeat(mosaic: Counts) -> int:
    """Return the most rows in a row that are constant or as the row above (or two above).

    Rows of the highest possible count are left out: a blown sky repeats too.
    """
    longest = length = 0
    for row in range(len(mosaic)):
        same_as = any(
            np.array_equal(mosaic[row], mosaic[row - lag]) for lag in (1, 2) if row >= lag
        )
        repeats = same_as or np.ptp(mosaic[row]) == 0
        length = length + 1 if repeats and mosaic[row].min() < mosaic.max() else 0
        longest = max(longest, length)
    return longest


def check_mutants(decoder: Decoder, folder: Path, count: int) -> Findings:
    """Read mutated files: no crash, no hang, every file decided."""
    found, codes, slowest = Findings(), Counter[str](), (0.0, "")
    whole = seeds()
    for name, verdict in judged(decoder, mutants(whole, count), folder):
        codes[verdict.code or "crash"] += 1
        slowest = max(slowest, (round(verdict.seconds, SLOWEST_DIGITS), name))
        if verdict.crash:
            found.broken.append(f"{name}: {verdict.crash}")
        if verdict.code == FailureCode.INTERNAL:
            found.broken.append(f"{name}: an internal error")
        if verdict.seconds > TIME_LIMIT + GRACE:
            found.broken.append(f"{name}: took {verdict.seconds:.1f} s")
    found.numbers = {"mutants": codes.total(), "mutant codes": dict(codes.most_common())}
    found.numbers |= {"slowest mutant, s": slowest[0], "slowest mutant": slowest[1]}
    return found


def mutants(whole: Mapping[str, bytes], count: int) -> Iterator[tuple[str, bytes]]:
    """Yield the first `count` mutants."""
    return (mutant(whole, number) for number in range(count))


def check_reading(folder: Path, *, count: int, real: Sequence[Path]) -> Findings:
    """Run every check of this part with one decoder, as a batch does."""
    together = Findings()
    with Decoder() as decoder:
        for found in (
            check_good_files(decoder, folder, real),
            check_truncations(decoder, folder),
            check_overwritten(decoder, folder),
            check_mutants(decoder, folder, count),
        ):
            together.numbers |= found.numbers
            together.broken += found.broken
    return together
