"""Real training pairs: a short exposure, amplified, and the long one of the same scene.

As in "Learning to See in the Dark" (Chen et al. 2018), but with the colours balanced, noise below
black kept, and every size and phase of a Bayer sensor.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import TRANSPOSED, plane_gains
from darkroom.camera.exposure import light_ratio
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.learning.config import PairsSection
from darkroom.learning.pair_cache import (
    CachedFrame,
    PairCache,
    cached_frame,
    open_cache,
    pixels_of,
)
from darkroom.learning.pair_frames import TRUTH_WHITE, Kind
from darkroom.learning.pair_lists import PairFiles, find_pairs
from darkroom.learning.pair_views import cut_picture, cut_planes, random_view
from darkroom.learning.scenes import number_of
from darkroom.learning.simulated_pairs import Pair

FloatArray = npt.NDArray[np.float32]
Wanted = tuple[Path, Kind]

NAMED = 5  # bad files named when there are too many


@dataclass(frozen=True)
class Shot:
    """One short exposure and its long one.

    Attributes:
        short: planes of counts.
        long: full colours.
        ratio: by how much the short one is amplified.
        dimming: of the long one, below 1 where the ratio was cut.
    """

    short: CachedFrame
    long: CachedFrame
    ratio: float
    dimming: float = 1.0


@dataclass(frozen=True)
class RealScene:
    """All shots of one scene."""

    name: str
    shots: tuple[Shot, ...] = field(repr=False)


@dataclass(frozen=True)
class RealPairs:
    """Scenes to learn from, and others to validate with."""

    training: tuple[RealScene, ...] = ()
    held_out: tuple[RealScene, ...] = ()


def load_pairs(
    section: PairsSection,
    run: Path,
    *,
    smallest: int,
    on_skipped: Callable[[str], None],
    on_read: Callable[[int, int], None] = lambda done, total: None,
) -> RealPairs:
    """Find the pairs and decode their frames into the cache, which takes a second each once.

    Args:
        section: where they are.
        run: folder of the run; the cache lies beside it unless the section names one.
        smallest: pixels of the sensor that a frame needs on its short side, twice a patch.
        on_skipped: called with a sentence for each file or pair that cannot be used.
        on_read: called with the frames read so far and their number.

    Returns:
        The scenes, empty if the section names no pairs.

    Raises:
        UsageProblem: a list is malformed, too many files are bad, or no pair is left.
        StoppedEarly: the cache cannot be written.
    """
    if not section.lists and not section.folders:
        return RealPairs()
    pairs = find_pairs(section)
    cache = open_cache(
        section.cache or run.absolute().parent / "pairs-cache", gigabytes=section.cache_gb
    )
    bad = BadFiles(section.most_bad, on_skipped)
    frames = read_frames(pairs, cache, bad, on_read)
    warn_of_size(frames.values(), cache, on_skipped)
    scenes: dict[str, list[Shot]] = {}
    for pair, shot in shots_of(pairs, frames, bad, section.most_ratio):
        if min(shot.short.facts.size) >= smallest:
            scenes.setdefault(pair.scene, []).append(shot)
    if not scenes:
        raise UsageProblem(
            f"no real pair of at least {smallest} pixels can be used; check the [pairs] settings"
        )
    return split_scenes([RealScene(name, tuple(scenes[name])) for name in sorted(scenes)], section)


class BadFiles:
    """Counts what cannot be used and stops when it is too much.

    Args:
        most: how many there may be.
        on_skipped: told of each.
    """

    def __init__(self, most: int, on_skipped: Callable[[str], None]) -> None:
        self.most = most
        self.on_skipped = on_skipped
        self.found: list[str] = []

    def add(self, path: Path, what: str) -> None:
        """Note a file.

        Raises:
            UsageProblem: it is one too many.
        """
        self.found.append(f"{path}: {what}")
        self.on_skipped(self.found[-1])
        if len(self.found) > self.most:
            raise UsageProblem(
                f"more than {self.most} files of the pairs cannot be used (pairs.most_bad): "
                + "; ".join(self.found[:NAMED])
            )


def read_frames(
    pairs: tuple[PairFiles, ...],
    cache: PairCache,
    bad: BadFiles,
    on_read: Callable[[int, int], None],
) -> dict[Wanted, CachedFrame]:
    """Decode every frame once; missing files are found before the long work begins."""
    wanted: dict[Wanted, None] = {}
    for pair in pairs:
        wanted |= {(pair.short, "counts"): None, (pair.long, "truth"): None}
    present = [frame for frame in wanted if frame[0].exists()]
    for path, _ in sorted(wanted.keys() - set(present)):
        bad.add(path, "does not exist")
    frames: dict[Wanted, CachedFrame] = {}
    for done, (path, kind) in enumerate(present, 1):
        try:
            frames[path, kind] = cached_frame(cache, path, kind)
        except FileProblem as problem:
            bad.add(path, problem.what)
        on_read(done, len(present))
    return frames


def warn_of_size(
    frames: Iterable[CachedFrame], cache: PairCache, on_skipped: Callable[[str], None]
) -> None:
    """Tell once if the frames do not fit into the cache."""
    needed = sum(frame.bytes for frame in frames)
    if needed > cache.limit:
        on_skipped(
            f"the pairs need {needed / 1e9:.3g} GB of cache and have {cache.limit / 1e9:.3g}"
            " (pairs.cache_gb): frames will be read again and again, which is slow"
        )


def shots_of(
    pairs: tuple[PairFiles, ...], frames: dict[Wanted, CachedFrame], bad: BadFiles, most: float
) -> Iterator[tuple[PairFiles, Shot]]:
    """Yield the pairs whose frames could both be read and belong together."""
    for pair in pairs:
        short, long = frames.get((pair.short, "counts")), frames.get((pair.long, "truth"))
        if short is None or long is None:
            continue
        try:
            yield pair, matched(short, long, pair.ratio, most)
        except FileProblem as problem:
            bad.add(pair.short, problem.what)


def matched(short: CachedFrame, long: CachedFrame, ratio: float | None, most: float) -> Shot:
    """Put two frames together.

    Raises:
        FileProblem: they differ in size or pattern, or their ratio is unknown or below 1.
    """
    if (short.facts.size, short.facts.phase) != (long.facts.size, long.facts.phase):
        raise unmatched(f"its size or Bayer phase is not that of {long.source.name}")
    if ratio is None:
        above, below = long.facts.exposure, short.facts.exposure
        if above.light is None or below.light is None:
            raise unmatched(f"no list, name or EXIF says its ratio to {long.source.name}")
        ratio = light_ratio(above, below)[0]
    if ratio < 1:
        raise unmatched(f"got more light than {long.source.name}")
    cut = min(ratio, most)
    return Shot(short, long, cut, cut / ratio)


def unmatched(what: str) -> FileProblem:
    """Return the error for a short exposure that does not belong to its long one."""
    return FileProblem(FailureCode.METADATA, what)


def split_scenes(scenes: list[RealScene], section: PairsSection) -> RealPairs:
    """Hold back about one scene in `holdout`, by its name; of two or more scenes at least one."""
    numbers = {scene.name: number_of(scene.name) for scene in scenes}
    held = {name for name, number in numbers.items() if number % section.holdout == 0}
    if len(scenes) == 1:
        held = set()
    elif not held:
        held = {min(numbers, key=numbers.__getitem__)}
    elif len(held) == len(scenes):
        held.remove(max(numbers, key=numbers.__getitem__))
    return RealPairs(
        tuple(scene for scene in scenes if scene.name not in held),
        tuple(scene for scene in scenes if scene.name in held),
    )


def make_real_pair(scene: RealScene, *, size: int, rng: np.random.Generator) -> Pair:
    """Cut a random square out of a random shot of the scene, flipped and turned at random.

    The white balance and colours are the long exposure's: cameras guess badly in the dark.

    Args:
        scene: where from.
        size: edge in packed pixels, two of the sensor each.
        rng: decides the shot, the place and the turn.

    Raises:
        StoppedEarly: a frame vanished, or the cache cannot be written.
    """
    shot = scene.shots[rng.integers(len(scene.shots))]
    short, long = shot.short.facts, shot.long.facts
    view = random_view(short.shape, size, rng)
    gains = np.array(plane_gains(long.white_balance))
    black = np.array(short.black)
    scale = shot.ratio * gains / (short.white - black)
    return Pair(
        planes=cut_planes(pixels_of(shot.short), view, black, scale),
        noise=noise_map(shot, shot.ratio * gains, transpose=view.transpose),
        truth=cut_picture(pixels_of(shot.long), view, shot.dimming / TRUTH_WHITE),
        camera_to_srgb=np.array(long.camera_to_srgb, np.float32),
        gains=gains.astype(np.float32),
    )


def noise_map(shot: Shot, gains: npt.NDArray[np.float64], *, transpose: bool) -> FloatArray:
    """Return the noise line of the amplified planes, (8,), as networks take it."""
    level = shot.short.facts.noise
    assert level is not None  # counts have one
    red, green, blue, green2 = gains.tolist()
    amplified = level.amplified((red, green, blue, green2))
    order = TRANSPOSED if transpose else [0, 1, 2, 3]
    return np.array([amplified.shot, amplified.read], np.float32)[:, order].reshape(8)
