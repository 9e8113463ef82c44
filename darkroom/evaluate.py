"""Recipe: pictures and their truths -> scores.

The pictures lie in a folder, or are made on the way: each truth is darkened, every method gets the
same dark frame, and what it makes of it is scored. How to darken and how to enhance is handed in,
as functions from file to file. So this recipe scores what the other recipes write, to the byte.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from darkroom.batch.decoder import Decoded, Decoder
from darkroom.batch.inputs import Input, expand_inputs
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.raw import NoiseLevel
from darkroom.camera.read import is_raw_name
from darkroom.errors import FailureCode, FileProblem, NothingMatched
from darkroom.measure.metrics import METRICS
from darkroom.measure.summary import Summary, summary_of
from darkroom.picture.load import load_picture

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]
Darken = Callable[[Path, Path, int], object]  # truth, DNG to write, seed of the noise
Develop = Callable[[Path, Path], object]  # RAW file, picture to write

SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg"})
WORST = 5


PROTOCOL = {
    "compared": "every pixel of a result with that pixel of its truth, upright, as the values stand"
    " in the files and scaled to 0..1; they are taken as sRGB, colour profiles are not read",
    "crop": "none; pictures that differ in size are failures",
    "bit_depth": "each file at its own, 8 or 16 bits; nothing is rounded before it is scored",
    "psnr": "decibels, peak 1, one mean squared error over all pixels and channels",
    "ssim": "Wang 2004: Gaussian window of 11 x 11, sigma 1.5, where it lies inside the picture,"
    " K1 0.01, K2 0.03, no downsampling, mean of the channels R, G, B",
    "mse": "mean squared error over all pixels and channels, white is 1",
    "cie76": "mean over the pixels of the distance in CIELAB under D65",
    "ciede2000": "mean over the pixels, Sharma 2005, CIELAB under D65, kL = kC = kH = 1",
    "mean": "over the pictures that have a finite score; others are counted beside it",
    "interval": "95 % of the mean over pictures, percentile bootstrap, 2000 draws, seed 0",
}


@dataclass(frozen=True)
class Scored:
    """What became of one picture.

    Attributes:
        name: the picture's name.
        truth: its truth.
        result: the picture that was scored, None if it was made on the way.
        seed: of its simulated noise, None if there is none.
        scores: by name in `METRICS`; none if there is a problem.
        problem: why it has no scores, "" if it has.
    """

    name: str
    truth: Path
    result: Path | None = None
    seed: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class Method:
    """A way from a RAW file to a picture, and what records say about it."""

    name: str
    develop: Develop
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """All pictures of one folder or method, and what records say about it."""

    name: str
    pictures: tuple[Scored, ...]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """Pictures without scores."""
        return sum(bool(picture.problem) for picture in self.pictures)


@dataclass(frozen=True)
class Evaluation:
    """The rows, how they were scored, and files of a folder that have no partner in the other."""

    rows: tuple[Row, ...]
    protocol: Mapping[str, str]
    lone_results: tuple[Path, ...] = ()
    lone_truths: tuple[Path, ...] = ()


Tell = Callable[[str, Scored], object]  # name of the row, picture


def evaluate_folders(results: Path, truths: Path, tell: Tell) -> Evaluation:
    """Score the pictures of one folder against those of another, matched by `stem_of`.

    Raises:
        NothingMatched: no name is in both folders.
    """
    ours, theirs = by_stem(pictures_in(results)), by_stem(pictures_in(truths))
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        raise NothingMatched(
            f"no picture in {results} is named like one in {truths};"
            " night.ARW.tif matches night.png"
        )
    pictures = []
    for name in both:
        pictures.append(score_files(name, ours[name], theirs[name]))
        tell(str(results), pictures[-1])
    return Evaluation(
        (Row(str(results), tuple(pictures)),),
        PROTOCOL,
        lone_results=without(ours, both),
        lone_truths=without(theirs, both),
    )


def evaluate_methods(
    truths: Iterable[Input], methods: Sequence[Method], darken: Darken, *, seed: int, tell: Tell
) -> Evaluation:
    """Darken every picture and score what each method makes of it.

    Args:
        truths: the pictures, as `pictures_in` finds them.
        methods: each gets the same dark frames.
        darken: writes the dark frame of a truth.
        seed: of the noise of the first picture; each further one has the next.
        tell: hears of every picture.
    """
    pictures: dict[str, list[Scored]] = {method.name: [] for method in methods}
    for own_seed, item in enumerate(truths, seed):
        start = Scored(item.below.as_posix(), item.path, seed=own_seed)
        for name, scored in score_methods(start, methods, darken):
            pictures[name].append(scored)
            tell(name, scored)
    rows = (Row(method.name, tuple(pictures[method.name]), method.facts) for method in methods)
    return Evaluation(tuple(rows), PROTOCOL)


def score_methods(
    start: Scored, methods: Sequence[Method], darken: Darken
) -> Iterable[tuple[str, Scored]]:
    """Yield the score of each method on one picture; a failure is a score's problem."""
    with TemporaryDirectory(prefix="darkroom-") as folder:
        dark, made = Path(folder, "dark.dng"), Path(folder, "made.tif")
        try:
            truth = load_picture(start.truth)
            darken(start.truth, dark, start.seed or 0)
        except FileProblem as problem:
            yield from ((method.name, replace(start, problem=str(problem))) for method in methods)
            return
        for method in methods:
            try:
                method.develop(dark, made)
                scored = replace(start, scores=scores_of(truth, load_picture(made)))
            except FileProblem as problem:
                scored = replace(start, problem=str(problem))
            made.unlink(missing_ok=True)
            yield method.name, scored


def score_files(name: str, results: Sequence[Path], truths: Sequence[Path]) -> Scored:
    """Score the file that is named so against its truth; a failure is the score's problem."""
    scored = Scored(name, truths[0], results[0])
    try:
        for paths in (results, truths):
            refuse_several(paths)
        return replace(scored, scores=scores_of(load_picture(truths[0]), load_picture(results[0])))
    except FileProblem as problem:
        return replace(scored, problem=str(problem))


def refuse_several(paths: Sequence[Path]) -> None:
    """Refuse to choose one of several files of the same name."""
    if len(paths) > 1:
        what = "several files match: " + ", ".join(path.name for path in paths)
        raise FileProblem(FailureCode.COLLISION, what, "leave one of them in the folder")


def scores_of(truth: Srgb, result: Srgb) -> dict[str, float]:
    """Return every score of a result, NaN where the pictures are too small for it.

    Args:
        truth: (H, W, 3) sRGB in [0, 1].
        result: likewise.

    Raises:
        FileProblem: they differ in size.
    """
    if truth.shape != result.shape:
        (rows, columns), (true_rows, true_columns) = result.shape[:2], truth.shape[:2]
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            f"the result is {columns} x {rows} pixels, its truth {true_columns} x {true_rows}",
            "cut them to the same size; nothing is cropped here",
        )
    side = min(truth.shape[:2])
    return {
        name: metric.score(truth, result) if side >= metric.smallest else math.nan
        for name, metric in METRICS.items()
    }


def summarise(pictures: Iterable[Scored]) -> dict[str, Summary]:
    """Return the mean of every metric over the pictures that have scores."""
    scores = [picture.scores for picture in pictures if picture.scores]
    return {metric: summary_of([own[metric] for own in scores]) for metric in METRICS}


def worst(pictures: Iterable[Scored], count: int = WORST) -> list[Scored]:
    """Return the pictures of the lowest PSNR, the lowest first; failed ones have none."""
    return sorted((p for p in pictures if p.scores), key=lambda p: p.scores["psnr"])[:count]


def pictures_in(folder: Path) -> list[Input]:
    """Return the PNG, TIFF and JPEG files below a folder, by name.

    Raises:
        NothingMatched: there is none.
    """
    found = expand_inputs([str(folder)], is_input=is_picture_name)
    further = (duplicate.item for duplicate in found.duplicates)  # a link has a name to match, too
    return sorted((*found.inputs, *further), key=lambda item: item.below)


def is_picture_name(path: Path) -> bool:
    """Whether a file name ends like a finished picture's."""
    return path.suffix.lower() in SUFFIXES


def by_stem(pictures: Iterable[Input]) -> dict[str, list[Path]]:
    """Return the files by what `stem_of` leaves of their names, in the order of these."""
    named: dict[str, list[Path]] = {}
    for item in pictures:
        named.setdefault(stem_of(item.below), []).append(item.path)
    return named


def stem_of(below: Path) -> str:
    """Return the name by which a result and its truth are matched: without suffix and RAW suffix.

    Folders count, and so do capital letters.

    >>> stem_of(Path("night/x.ARW.tif")), stem_of(Path("night/x.png")), stem_of(Path("x.v2.png"))
    ('night/x', 'night/x', 'x.v2')
    """
    stem = below.with_suffix("")
    return (stem.with_suffix("") if is_raw_name(stem) else stem).as_posix()


def without(named: Mapping[str, Sequence[Path]], known: Sequence[str]) -> tuple[Path, ...]:
    """Return the files whose names are not known."""
    return tuple(path for name in sorted(named.keys() - {*known}) for path in named[name])


class ToldDecoder(Decoder):
    """A decoder whose frames say how noisy they are: the line their noise was drawn from.

    Args:
        level: the noise of every frame.
        limits: bounds on each file.
    """

    def __init__(self, level: NoiseLevel, limits: Limits = DEFAULT_LIMITS) -> None:
        super().__init__(limits)
        self._level = level

    def read(self, path: Path, *, allow_suspect: bool = False) -> Decoded:
        """Read a RAW file as `Decoder.read` does, and put the noise where a profile would be."""
        decoded = super().read(path, allow_suspect=allow_suspect)
        return replace(decoded, raw=replace(decoded.raw, noise_profile=self._level))
