"""Registered pictures in near-infrared and colour, and photographs alone, held in memory."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from darkroom.errors import FileProblem, UsageProblem
from darkroom.learning.config import DataSection, NirSection
from darkroom.learning.scenes import files_in, number_of
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.nir_pairs import NirPair, find_pairs
from darkroom.picture.resampling import shape_within, shrunk

Named = TypeVar("Named", "NirScene", NirPair)
Bytes = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

ROOM = 1.25  # scenes are this much larger than the network sees them, so that views may come closer
ALL = 1 << 30  # pixels: a side that shrinks nothing


@dataclass(frozen=True)
class NirScene:
    """One view, as its files code it.

    Attributes:
        name: of the pair, or of the photograph.
        category: kind of view; "" without one.
        srgb: (H, W, 3).
        nir: (H, W); None for a photograph, whose near-infrared is made up.
    """

    name: str
    category: str
    srgb: Bytes
    nir: Bytes | None = None


@dataclass(frozen=True)
class NirScenes:
    """What is learned from: pairs by category, and photographs; and what validates.

    Attributes:
        categories: the pairs of each category, which is drawn first.
        photos: photographs without near-infrared.
        held_out: pairs to validate with.
    """

    categories: tuple[tuple[NirScene, ...], ...] = ()
    photos: tuple[NirScene, ...] = ()
    held_out: tuple[NirScene, ...] = ()


def stored_side(working_side: int) -> int:
    """Return the longest side at which scenes are held for a network that sees `working_side`."""
    return math.ceil(ROOM * working_side) or ALL


def load_nir_scenes(
    section: NirSection, data: DataSection, side: int
) -> tuple[NirScenes, list[str]]:
    """Load the pairs, and photographs where the section wants them, at most `side` pixels long.

    Returns:
        The scenes, and a sentence for each file that was skipped.

    Raises:
        UsageProblem: there is no pair to learn from or to validate with.
        NothingMatched: a folder holds no pairs.
    """
    skipped: list[str] = []
    loaded = [load_pair(pair, side, skipped) for pair in wanted_pairs(section)]
    training, held_out = divided([scene for scene in loaded if scene], section.holdout)
    if not training:
        raise UsageProblem("no near-infrared pair can be used; check the settings in [nir]")
    photos: Sequence[NirScene] = ()
    if section.photo_share:
        photos = load_photos(data.photos, side, skipped)
    return NirScenes(by_category(training), tuple(photos), tuple(held_out)), skipped


def divided(named: Sequence[Named], every: int) -> tuple[Sequence[Named], Sequence[Named]]:
    """Divide pairs by their names into those to learn from and those that validate."""
    training = [one for one in named if number_of(one.name) % every]
    held_out = [one for one in named if not number_of(one.name) % every]
    return training or named, held_out or named[:1]


def wanted_pairs(section: NirSection) -> list[NirPair]:
    """Find the pairs of all folders that are of the wanted categories."""
    pairs = [pair for folder in section.folders for pair in find_pairs(folder)]
    known = {pair.category for pair in pairs}
    if unknown := sorted(set(section.categories) - known):
        raise UsageProblem(
            f"no pairs of the category {unknown[0]!r}; there are {', '.join(sorted(known))}"
        )
    return [pair for pair in pairs if not section.categories or pair.category in section.categories]


def load_pair(pair: NirPair, side: int, skipped: list[str]) -> NirScene | None:
    """Load a pair; None, and a sentence in `skipped`, if it cannot be used."""
    try:
        nir, srgb = load_grey(pair.nir, channel="mean"), load_picture(pair.srgb)
    except FileProblem as problem:
        skipped.append(f"{pair.name}: {problem.what}")
        return None
    if nir.shape != srgb.shape[:2]:
        skipped.append(f"{pair.name}: the two pictures differ in size")
        return None
    return NirScene(
        pair.name,
        pair.category,
        np.moveaxis(stored(np.moveaxis(srgb, -1, 0), side), 0, -1),
        stored(nir[None], side)[0],
    )


def load_photos(paths: Iterable[Path], side: int, skipped: list[str]) -> list[NirScene]:
    """Load photographs."""
    scenes = []
    for path in files_in(paths):
        try:
            srgb = load_picture(path)
        except FileProblem as problem:
            skipped.append(f"{path.name}: {problem.what}")
            continue
        pixels = np.moveaxis(stored(np.moveaxis(srgb, -1, 0), side), 0, -1)
        scenes.append(NirScene(path.name, "", pixels))
    return scenes


def stored(planes: FloatArray, side: int) -> Bytes:
    """Return planes (C, H, W) shrunk to a longest side, in bytes."""
    planes = np.ascontiguousarray(planes)
    small = shrunk(planes, shape_within((planes.shape[1], planes.shape[2]), side))
    return np.rint(small * 255).astype(np.uint8)


def by_category(scenes: Iterable[NirScene]) -> tuple[tuple[NirScene, ...], ...]:
    """Put scenes of one category together."""
    named: dict[str, list[NirScene]] = {}
    for scene in scenes:
        named.setdefault(scene.category, []).append(scene)
    return tuple(tuple(named[name]) for name in sorted(named))
