"""What the parts of the speed benchmark share: their files, and darkroom's command line."""

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from speed_process import Facts, Finished, finished, helper

Record = dict[str, Any]

RATIO = "100"
SHIPPED = "fast-unet"

CACHES = ("DARKROOM_CACHE", "XDG_CACHE_HOME")  # variables that say what to keep where

DECISIVE = ("--model", "--engine", "--precision")  # options that decide what is kept

# Darkroom's rows: what each is told besides model and files. A row that the installed darkroom
# refuses is left out of the tables, with its reason.
VARIANTS: dict[str, tuple[str, ...]] = {
    "default": ("--device", "cpu"),
    "fp32": ("--device", "cpu", "--precision", "fp32"),
    "bf16": ("--device", "cpu", "--precision", "bf16"),
    "int8": ("--device", "cpu", "--precision", "int8"),
    "torch": ("--device", "cpu", "--engine", "torch"),
    "torch fp32": ("--device", "cpu", "--engine", "torch", "--precision", "fp32"),
}


@dataclass(frozen=True)
class Bench:
    """Where the files of the benchmark lie, and how much is measured.

    Attributes:
        folder: holds frames, weights and caches.
        megapixels: size of the frames.
        runs: rounds that a median is taken of.
        batch: files of a batch.
        slow_batch: files of a batch of the programs that take long.
        kodak: folder of pictures to darken for the precisions, or none.
    """

    folder: Path
    megapixels: float
    runs: int
    batch: int
    slow_batch: int
    kodak: Path | None = None

    def frame(self, megapixels: float | None = None) -> Path:
        """Return a dark frame of a size, made when it is asked for first."""
        size = self.megapixels if megapixels is None else megapixels
        path = self.folder / f"dark-{size:g}mp.dng"
        if not path.exists():
            helper("speed_files.py", "frame", path, size)
        return path

    def frames(self, count: int) -> list[Path]:
        """Return so many files with the same bytes in a folder of their own."""
        folder = self.folder / f"batch-{self.megapixels:g}mp"
        folder.mkdir(exist_ok=True)
        copies = [folder / f"dark-{number:02}.dng" for number in range(count)]
        for copy in copies:
            if not copy.exists():
                shutil.copyfile(self.frame(), copy)
        return copies

    def weights(self, suffix: str = ".safetensors") -> Path:
        """Return the U-Net's random weights, made when they are asked for first."""
        path = self.folder / f"drawn-unet{suffix}"
        if not path.exists():
            helper("speed_files.py", "weights", self.folder)
        return path

    def models(self) -> dict[str, str]:
        """Return darkroom's models: what a row calls them, and what --model is told."""
        return {"unet": str(self.weights()), SHIPPED: SHIPPED}

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield an empty folder that goes away."""
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            yield Path(name)


def program(*arguments: str | Path) -> list[str]:
    """Return darkroom's command line, through the installed command where there is one."""
    installed = Path(sys.executable).parent / "darkroom"
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "darkroom"]
    return [*start, *map(str, arguments)]


def enhance(
    bench: Bench, files: Sequence[Path], out: Path, *arguments: str
) -> tuple[Finished, list[Record]]:
    """Run `darkroom enhance` over files; return how it went, and its record of every file.

    What darkroom keeps between runs is kept for each model and engine by itself. The first run of
    theirs, which fills that, is not the one that is returned.

    Raises:
        Refused: it failed.
    """
    if not kept(bench, arguments).exists():
        enhance_cold(bench, files[:1], out, *arguments)
    return _enhance(bench, files, out, arguments)


def enhance_cold(
    bench: Bench, files: Sequence[Path], out: Path, *arguments: str
) -> tuple[Finished, list[Record]]:
    """Do the same with nothing kept from earlier runs."""
    shutil.rmtree(kept(bench, arguments), ignore_errors=True)
    kept(bench, arguments).mkdir(parents=True)
    return _enhance(bench, files, out, arguments)


def kept(bench: Bench, arguments: Sequence[str]) -> Path:
    """Return the folder for what darkroom keeps between runs of a model on an engine."""
    words = [f"{a} {b}" for a, b in pairwise(arguments) if a in DECISIVE]
    key = hashlib.sha256(repr(sorted(words)).encode()).hexdigest()
    return bench.folder / "cache" / key[:12]


def _enhance(
    bench: Bench, files: Sequence[Path], out: Path, arguments: Sequence[str]
) -> tuple[Finished, list[Record]]:
    fixed = ("--ratio", RATIO, "--json", "-q", "--overwrite")
    cache = dict.fromkeys(CACHES, str(kept(bench, arguments)))
    done = finished(program("enhance", *files, "-o", out, *fixed, *arguments), cache)
    return done, [json.loads(text) for text in done.output.splitlines() if text.startswith("{")]


def facts(done: Finished, records: Sequence[Record]) -> Facts:
    """Return the seconds of a run, by stage and summed over its files, and its memory.

    "start" is what no stage of a file accounts for: Python, imports, the model, the report. It
    means nothing where files overlap. "decoder_mb" is the process beside that decodes RAW files.
    """
    found: Facts = {"whole": done.seconds, "peak_mb": done.peak_mb}
    for stage in [stage for stage in records[0]["t_ms"] if stage != "total"]:
        found[stage] = sum(record["t_ms"].get(stage, 0) for record in records) / 1000
    found["start"] = done.seconds - sum(record["t_ms"]["total"] for record in records) / 1000
    found["decoder_mb"] = float(max(record.get("worker_rss_mb") or 0 for record in records))
    last = records[-1]
    return found | {key: last.get(key) for key in ("device", "tile", "out_size", "out_sha256")}
