"""Which short exposure belongs to which long one: lists, tables or folders.

Three ways to say it: the list files of "Learning to See in the Dark" (Chen et al. 2018), tables
(CSV) with a header, and folders that hold `short` and `long`.
"""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darkroom.camera.read import is_raw_name
from darkroom.errors import UsageProblem
from darkroom.learning.config import PairsSection

SECONDS = re.compile(r"_(\d+(?:\.\d+)?)s$")
SETTING = re.compile(r"(ISO|F)\S*", re.IGNORECASE)
COLUMNS = frozenset({"short", "long", "ratio", "iso", "scene"})
LINE = "a line reads: short.ARW long.ARW ISO200 F8"


@dataclass(frozen=True)
class PairFiles:
    """Two exposures of one scene.

    Attributes:
        short: the dark frame.
        long: the bright one.
        scene: what they show; frames of one scene stay together.
        ratio: how much more light the long one got, None where the list and names do not say.
    """

    short: Path
    long: Path
    scene: str
    ratio: float | None = None


def find_pairs(section: PairsSection) -> tuple[PairFiles, ...]:
    """Return every pair of the lists and folders, each once, without the excluded scenes.

    Raises:
        UsageProblem: a list or folder is missing or malformed, or nothing is left.
    """
    found: list[PairFiles] = []
    for path in section.lists:
        found += read_list(path, section.root or path.parent)
    for folder in section.folders:
        found += match_folder(folder)
    excluded = read_excluded(section.exclude) if section.exclude else frozenset()
    kept = tuple(pair for pair in dict.fromkeys(found) if pair.scene not in excluded)
    if not kept:
        raise UsageProblem("no pairs found; check pairs.lists, pairs.folders and pairs.exclude")
    return kept


def read_list(path: Path, root: Path) -> list[PairFiles]:
    """Read a table (`.csv`) or a list; names in it are relative to `root`.

    Raises:
        UsageProblem: the file is missing or a line cannot be understood.
    """
    lines = text_of(path).splitlines()
    if path.suffix.lower() == ".csv":
        try:
            return list(table_pairs(path, lines, root))
        except csv.Error as error:
            raise UsageProblem(f"{path}: not a table: {error}") from None
    return list(list_pairs(path, lines, root))


def text_of(path: Path) -> str:
    """Return the text of a small file; a byte order mark is left out."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageProblem(f"{path}: cannot be read: {error.strerror}; check [pairs]") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{path}: is not a text file (UTF-8)") from None


def list_pairs(path: Path, lines: list[str], root: Path) -> Iterator[PairFiles]:
    """Yield the pairs of a list such as Sony_train_list.txt."""
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2 or not all(SETTING.fullmatch(word) for word in words[2:]):
            raise malformed(path, number, LINE)
        short, long = root / words[0], root / words[1]
        yield checked(
            PairFiles(short, long, scene_of(short), named_ratio(short, long)), path, number
        )


def table_pairs(path: Path, lines: list[str], root: Path) -> Iterator[PairFiles]:
    """Yield the pairs of a table with the columns short, long and, where known, ratio, scene."""
    rows = csv.DictReader(lines, skipinitialspace=True, restkey="beyond")
    header = {(name or "").strip().lower() for name in rows.fieldnames or ()}
    if not {"short", "long"} <= header <= COLUMNS:
        raise malformed(path, 1, f"the header needs short and long, and knows {sorted(COLUMNS)}")
    for row in rows:
        if "beyond" in row:
            raise malformed(path, rows.line_num, "more values than the header has names")
        cells = {name.strip().lower(): (value or "").strip() for name, value in row.items()}
        if not cells["short"] or not cells["long"]:
            raise malformed(path, rows.line_num, "short or long is empty")
        short, long = root / cells["short"], root / cells["long"]
        ratio = stated_ratio(cells.get("ratio", ""), path, rows.line_num)
        pair = PairFiles(
            short, long, cells.get("scene") or scene_of(short), ratio or named_ratio(short, long)
        )
        yield checked(pair, path, rows.line_num)


def stated_ratio(text: str, path: Path, number: int) -> float | None:
    """Return the ratio in a cell, None for an empty one."""
    if not text:
        return None
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not math.isfinite(ratio):
        raise malformed(path, number, f"the ratio {text!r} is not a number")
    return ratio


def checked(pair: PairFiles, path: Path, number: int) -> PairFiles:
    """Refuse a pair whose short exposure got more light."""
    if pair.ratio is not None and pair.ratio < 1:
        raise malformed(
            path, number, f"the ratio {pair.ratio:.4g} is below 1: are short and long swapped?"
        )
    return pair


def malformed(path: Path, number: int, what: str) -> UsageProblem:
    """Return the error for a line that cannot be used."""
    return UsageProblem(f"{path}, line {number}: {what}")


def match_folder(folder: Path) -> list[PairFiles]:
    """Match the files of `folder`/short with those of `folder`/long.

    A short frame gets the long one of the same stem; else the only long one of its scene; else,
    of several, the one whose name says the longest exposure.

    Raises:
        UsageProblem: a folder is missing, or a short frame has no long one or too many.
    """
    shorts, longs = (raw_files(folder / name) for name in ("short", "long"))
    pairs = []
    for short in shorts:
        long = partner(short, longs)
        ratio = named_ratio(short, long)
        if ratio is not None and ratio < 1:
            raise UsageProblem(f"{short}: got more light than {long.name}, says its name")
        pairs.append(PairFiles(short, long, scene_of(short), ratio))
    return pairs


def raw_files(folder: Path) -> list[Path]:
    """Return the RAW files of a folder, by name."""
    if not folder.is_dir():
        raise UsageProblem(f"{folder}: no such folder; pairs.folders hold short/ and long/")
    return sorted(file for file in folder.iterdir() if file.is_file() and is_raw_name(file))


def partner(short: Path, longs: list[Path]) -> Path:
    """Return the long exposure of a short one."""
    same = [long for long in longs if long.stem == short.stem]
    matches = same or [long for long in longs if scene_of(long) == scene_of(short)]
    if not matches:
        raise UsageProblem(
            f"{short}: no long exposure of scene {scene_of(short)!r}; name the pairs in a CSV list"
        )
    if len(matches) == 1:
        return matches[0]
    timed = {seconds: long for long in matches if (seconds := named_seconds(long))}
    if len(timed) < len(matches):
        raise UsageProblem(
            f"{short}: {len(matches)} long exposures could belong to it, such as"
            f" {matches[0].name} and {matches[1].name}; name the pairs in a CSV list"
        )
    return timed[max(timed)]


def scene_of(path: Path) -> str:
    """Return the scene a file name stands for: what precedes its first "_", if that has a digit.

    >>> scene_of(Path("00001_00_0.04s.ARW")), scene_of(Path("DSC_0012.NEF"))
    ('00001', 'DSC_0012')
    """
    leading = path.stem.partition("_")[0]
    return leading if any(letter.isdigit() for letter in leading) else path.stem


def named_seconds(path: Path) -> float | None:
    """Return the exposure a file name ends with, None without one.

    >>> named_seconds(Path("00001_00_0.04s.ARW"))
    0.04
    """
    match = SECONDS.search(path.stem)
    return float(match[1]) or None if match else None


def named_ratio(short: Path, long: Path) -> float | None:
    """Return the ratio of the exposures in two names, None if one of them does not say.

    >>> named_ratio(Path("1_00_0.1s.ARW"), Path("1_00_10s.ARW"))
    100.0
    """
    below, above = named_seconds(short), named_seconds(long)
    return above / below if above and below else None


def read_excluded(path: Path) -> frozenset[str]:
    """Read the scenes to leave out, one a line; `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text_of(path).splitlines())
    return frozenset(line for line in lines if line)
