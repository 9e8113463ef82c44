"""Score darkroom beside other tools on dark frames simulated from pictures with a known truth.

    python benchmarks/quality.py TRUTHS -o results.json [--model NAME|PATH ...]
        [--condition CAMERA:ISO:RATIO ...] [--methods NAME ...] [--only-darkroom] [--again]
    python benchmarks/quality.py --raw DIR -o results.json
    python benchmarks/quality.py --table results.json

Every method gets the same DNG and the same ratio and makes an sRGB picture. Scores are taken over
all pixels in sRGB [0, 1] and averaged over the pictures. The DNG holds no noise profile: darkroom
estimates the noise from the picture, peers get settings tuned with the truth. The record is
written after every method; what it holds is not run again.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import which

import numpy as np
import peers_darktable
import peers_libraw
import peers_rawtherapee
from bright_check import bright_check
from dark_frames import (
    Condition,
    Method,
    Setting,
    Srgb,
    by_darkroom,
    enhancer_for,
    make_frame,
    parse_condition,
)
from quality_record import OURS, Record, open_record, save, summary, tables
from quality_scores import scores
from raw_scenes import scene_truths

from darkroom.measure.psnr import psnr
from darkroom.picture.load import load_picture
from darkroom.zoo.find import locate
from darkroom.zoo.weights import load_weights

CONDITIONS = (
    "sony-a7s2:3200:100",
    "sony-a7s2:12800:100",
    "sony-a7s2:800:100",
    "nikon-d850:1600:100",
    "sony-a7s2:3200:300",
    "canon-70d:1600:100",
    "sony-a7s2:1600:10",
)
PICTURES = {".png", ".jpg", ".tif"}
PEERS = {**peers_libraw.METHODS, **peers_rawtherapee.METHODS, **peers_darktable.METHODS}
TUNING_STEP = 6
FEW = 12  # of fewer pictures, all are used to tune

Frames = list[tuple[Path, Path]]  # (truth, DNG of its dark frame)


def develop_by_darkroom(
    model: str, dngs: list[Path], condition: Condition, _setting: Setting
) -> Iterator[Srgb]:
    """Yield darkroom's pictures."""
    method = by_darkroom(enhancer_for(model, condition.ratio))
    for dng in dngs:
        yield method(dng, condition.ratio)


def darkroom_methods(models: list[str]) -> dict[str, Method]:
    """Return a row for each model; its setting says which weights these are."""
    methods = {}
    for model in models:
        card = load_weights(locate(model)).card
        setting = {"model": card.name, "sha256": card.sha256}
        name = f"{OURS} ({Path(model).stem})"
        methods[name] = Method(partial(develop_by_darkroom, model), (setting,))
    return methods


def tuned(method: Method, frames: Frames, condition: Condition) -> list[tuple[Setting, float]]:
    """Return settings and their mean PSNR on a few of the pictures, up to the best one."""
    few = frames[::TUNING_STEP] if len(frames) >= FEW else frames
    truths, dngs = [load_picture(truth) for truth, _ in few], [dng for _, dng in few]

    def quality(setting: Setting) -> float:
        pictures = method.develop(dngs, condition, setting)
        values = [psnr(truth, picture) for truth, picture in zip(truths, pictures, strict=True)]
        return round(float(np.mean(values)), 3)

    return climb(method.grid, quality)


def climb(
    grid: Sequence[Setting], quality: Callable[[Setting], float]
) -> list[tuple[Setting, float]]:
    """Measure settings, ordered by strength, from the middle uphill until both sides are lower.

    >>> peak = climb([{"h": h} for h in range(7)], lambda setting: -abs(setting["h"] - 5))
    >>> [setting["h"] for setting, _ in peak]
    [2, 3, 4, 5, 6]
    """
    here, known = len(grid) // 2, {}
    while True:
        near = range(max(here - 1, 0), min(here + 2, len(grid)))
        known |= {place: quality(grid[place]) for place in near if place not in known}
        if known[here] == max(known.values()):
            return [(grid[place], known[place]) for place in sorted(known)]
        here = max(known, key=lambda place: known[place])


def evaluate(method: Method, frames: Frames, condition: Condition) -> Record:
    """Choose the setting if there is a choice, develop every picture, score it."""
    started = time.perf_counter()
    found: Record = {"setting": method.grid[0]}
    if len(method.grid) > 1:
        tuning = tuned(method, frames, condition)
        found["setting"] = max(tuning, key=lambda one: one[1])[0]
        found["tuning"] = [{**setting, "psnr": value} for setting, value in tuning]
    pictures = method.develop([dng for _, dng in frames], condition, found["setting"])
    each = [
        scores(load_picture(truth), picture)
        for (truth, _), picture in zip(frames, pictures, strict=True)
    ]
    return {**found, "seconds": round(time.perf_counter() - started), "scores": summary(each)}


def run(
    truths: list[Path],
    conditions: list[Condition],
    methods: dict[str, Method],
    record: Record,
    out: Path | None,
    *,
    again: bool,
) -> None:
    """Fill the record with what it lacks, and write it after every method."""
    for condition in conditions:
        rows = record["results"].setdefault(str(condition), {})
        wanted = {name: m for name, m in methods.items() if again or lacks(rows, name, m)}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            frames = [
                (truth, make_frame(truth, condition, seed, Path(folder)))
                for seed, truth in enumerate(truths)
            ]
            for name, method in wanted.items():
                try:
                    rows[name] = evaluate(method, frames, condition)
                except RuntimeError as error:  # one program's trouble is not the others'
                    print(f"{condition}, {name}: {error}", flush=True)
                    continue
                save(record, out)
                means = {score: value["mean"] for score, value in rows[name]["scores"].items()}
                print(f"{condition}, {name}, {rows[name]['seconds']} s: {means}", flush=True)


def lacks(rows: Record, name: str, method: Method) -> bool:
    """Whether a method is missing, or was run with settings that are none of its own now."""
    return name not in rows or rows[name]["setting"] not in method.grid


def check_brightness(
    methods: dict[str, Method], conditions: list[Condition], record: Record, *, again: bool
) -> None:
    """Put the check of every camera's chart into the record."""
    for camera in dict.fromkeys(condition.camera for condition in conditions):
        known = record["bright_frame_check"].setdefault(camera, {})
        missing = {name: m for name, m in methods.items() if again or name not in known}
        known.update(bright_check(missing, camera))


@contextmanager
def truths_of(options: argparse.Namespace) -> Iterator[list[Path]]:
    """Yield the pictures to darken."""
    if options.raw:
        with tempfile.TemporaryDirectory() as folder:
            yield scene_truths(options.raw, Path(folder))[: options.limit]
    else:
        files = sorted(path for path in options.truths.iterdir() if path.suffix in PICTURES)
        yield files[: options.limit]


def chosen_methods(options: argparse.Namespace) -> dict[str, Method]:
    """Return the methods that were asked for, by the start of their names, and can be run."""
    methods = {} if options.only_darkroom else dict(PEERS)
    for name in [name for name, m in methods.items() if m.program and not which(m.program)]:
        print(f"{name} is left out: {methods.pop(name).program} is not installed")
    methods |= darkroom_methods(options.model or ["fast-unet"])
    starts = tuple(start.lower() for start in options.methods or [""])
    return {name: method for name, method in methods.items() if name.lower().startswith(starts)}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("truths", type=Path, nargs="?", help="folder of clean pictures")
    parser.add_argument("--raw", type=Path, help="folder of the clean RAW frames, instead")
    parser.add_argument("--model", action="append", help="a row for each")
    parser.add_argument("--condition", action="append", type=parse_condition)
    parser.add_argument("--methods", nargs="+", help="starts of names: darktable, LibRaw, darkroom")
    parser.add_argument("--only-darkroom", action="store_true")
    parser.add_argument("--again", action="store_true", help="run what the record holds, too")
    parser.add_argument("--limit", type=int, help="take only so many pictures")
    parser.add_argument("-o", "--out", type=Path, help="the record")
    parser.add_argument("--table", type=Path, help="print the tables of a record, run nothing")
    options = parser.parse_args()
    if not (options.truths or options.raw or options.table):
        parser.error("name a folder of pictures, --raw or --table")
    return options


def main() -> None:
    """Score, write the record, print the tables."""
    options = parsed()
    if options.table:
        print(tables(json.loads(options.table.read_text())))
        return
    conditions = options.condition or [parse_condition(text) for text in CONDITIONS]
    methods = chosen_methods(options)
    with truths_of(options) as truths:
        record = open_record(options.out, [truth.stem for truth in truths])
        check_brightness(methods, conditions, record, again=options.again)
        save(record, options.out)
        run(truths, conditions, methods, record, options.out, again=options.again)
    print(tables(record))


if __name__ == "__main__":
    main()
