"""Recipe: pictures and their truths -> scores.

The pictures lie in a folder, or are made on the way. Either each truth is darkened and every method
gets the same dark frame; or the truths are one side of near-infrared pairs and every method gets
the other. How to darken, enhance and colour is handed in, as functions from file to file. So this
recipe scores what the other recipes write, to the byte.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import numpy.typing as npt

from darkroom.batch.inputs import Input
from darkroom.batch.matching import by_stem, pictures_in, without
from darkroom.errors import FailureCode, FileProblem, NothingMatched
from darkroom.learning.sid_names import is_taken
from darkroom.measure.metrics import METRICS, scores_of
from darkroom.measure.protocols import PLAIN, Protocol, in_words, scores_under
from darkroom.measure.summary import Summary, summary_of
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.nir_pairs import NirPair

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]
# Truth, DNG to write, seed of the noise -> the dark frame to look at, None if nobody will.
Darken = Callable[[Path, Path, int], Srgb | None]
Develop = Callable[[Path, Path], object]  # file to start from, picture to write

WORST = 5

PROTOCOL = in_words(PLAIN)


@dataclass(frozen=True)
class Scored:
    """What became of one picture.

    Attributes:
        name: the picture's place below the folder that was named.
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

    @property
    def category(self) -> str:
        """The folder in its name, "" if there is none."""
        return "/".join(PurePosixPath(self.name).parts[:-1])


@dataclass(frozen=True)
class Sight:
    """The pixels behind a score, each (H, W, 3) in [0, 1]; the source if there is a picture of it.

    The source may be smaller.
    """

    truth: Srgb
    result: Srgb
    source: Srgb | None = None


Judged = tuple[str, Scored, Sight | None]  # name of the row, picture, its pixels if it has scores
Tell = Callable[[str, Scored, Sight | None], object]


@dataclass(frozen=True)
class Method:
    """A way from a file to a picture, and what records say about it.

    Attributes:
        name: of its row.
        develop: writes the picture of a file.
        facts: what records say about it.
        makes: which side of a near-infrared pair its pictures are; it starts from the other.
    """

    name: str
    develop: Develop
    facts: Mapping[str, object] = field(default_factory=dict)
    makes: Literal["srgb", "nir"] = "srgb"


@dataclass(frozen=True)
class Row:
    """All pictures of one folder or method, what records say about it, and its scores' names."""

    name: str
    pictures: tuple[Scored, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
    metrics: tuple[str, ...] = tuple(METRICS)

    @property
    def failed(self) -> int:
        """Pictures without scores."""
        return sum(bool(picture.problem) for picture in self.pictures)


@dataclass(frozen=True)
class Evaluation:
    """The rows, how they were scored, and files that have no partner."""

    rows: tuple[Row, ...]
    protocol: Mapping[str, str]
    lone_results: tuple[Path, ...] = ()
    lone_truths: tuple[Path, ...] = ()
    lone_sources: tuple[Path, ...] = ()


def evaluate_folders(
    results: Path, truths: Path, tell: Tell, protocol: Protocol = PLAIN
) -> Evaluation:
    """Score the pictures of one folder against those of another, matched by `stem_of`.

    Raises:
        NothingMatched: no name is in both folders, or none that the protocol takes.
    """
    ours, theirs = by_stem(pictures_in(results)), by_stem(pictures_in(truths))
    both = sorted(ours.keys() & theirs.keys())
    if not both:
        raise NothingMatched(
            f"no picture in {results} is named like one in {truths};"
            " night.ARW.tif matches night.png"
        )
    pictures = []
    for name in taken(protocol, both):
        scored, sight = score_files(name, ours[name], theirs[name], protocol)
        pictures.append(scored)
        tell(str(results), scored, sight)
    return Evaluation(
        (Row(str(results), tuple(pictures), metrics=tuple(protocol.metrics)),),
        in_words(protocol),
        lone_results=without(ours, both),
        lone_truths=without(theirs, both),
    )


def taken(protocol: Protocol, names: Sequence[str]) -> list[str]:
    """Return the names that a protocol takes; raise NothingMatched if there is none."""
    kept = [name for name in names if is_taken(protocol.name, name)]
    if not names:
        raise NothingMatched("there is nothing to compare: the lists or folders are empty")
    if not kept:
        raise NothingMatched(
            f"no name belongs to {protocol.name}; it takes {protocol.pictures},"
            " named like 10003_00_0.04s"
        )
    return kept


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
    starts = (
        Scored(item.below.as_posix(), item.path, seed=own) for own, item in enumerate(truths, seed)
    )
    judged = (j for s in starts for j in score_methods(s, methods, darken))
    return gathered(facts_by_name(methods), judged, tell)


def evaluate_pairs(pairs: Iterable[NirPair], methods: Sequence[Method], tell: Tell) -> Evaluation:
    """Score what each method makes of one side of near-infrared pairs against the other.

    Args:
        pairs: as `find_pairs` finds them.
        methods: each gets the side that it does not make.
        tell: hears of every picture.
    """
    judged = (score_pair(pair, method) for pair in pairs for method in methods)
    return gathered(facts_by_name(methods), judged, tell)


def gathered(
    facts: Mapping[str, Mapping[str, object]],
    judged: Iterable[Judged],
    tell: Tell,
    protocol: Protocol = PLAIN,
) -> Evaluation:
    """Return a row a method, by name, of pictures that come mixed."""
    pictures: dict[str, list[Scored]] = {name: [] for name in facts}
    for name, scored, sight in judged:
        pictures[name].append(scored)
        tell(name, scored, sight)
    metrics = tuple(protocol.metrics)
    rows = (Row(name, tuple(pictures[name]), facts[name], metrics) for name in facts)
    return Evaluation(tuple(rows), in_words(protocol))


def facts_by_name(methods: Iterable[Method]) -> dict[str, Mapping[str, object]]:
    """Return what records say about methods."""
    return {method.name: method.facts for method in methods}


def score_methods(start: Scored, methods: Sequence[Method], darken: Darken) -> Iterator[Judged]:
    """Yield the score of each method on one picture; a failure is a score's problem."""
    with TemporaryDirectory(prefix="darkroom-") as folder:
        dark = Path(folder, "dark.dng")
        try:
            truth = load_picture(start.truth)
            source = darken(start.truth, dark, start.seed or 0)
        except FileProblem as problem:
            failed = replace(start, problem=str(problem))
            yield from ((method.name, failed, None) for method in methods)
            return
        for method in methods:
            try:
                sight = Sight(truth, made_by(method, dark), source)
                yield method.name, replace(start, scores=scores_of(truth, sight.result)), sight
            except FileProblem as problem:
                yield method.name, replace(start, problem=str(problem)), None


def score_pair(pair: NirPair, method: Method) -> Judged:
    """Score a method on a near-infrared pair; a failure is the score's problem."""
    is_reverse = method.makes == "nir"
    source, truth = (pair.srgb, pair.nir) if is_reverse else (pair.nir, pair.srgb)
    load, load_source = (grey_of, load_picture) if is_reverse else (load_picture, grey_of)
    start = Scored(pair.name, truth)
    try:
        sight = Sight(load(truth), made_by(method, source), load_source(source))
        scores = scores_of(sight.truth, sight.result)
    except FileProblem as problem:
        return method.name, replace(start, problem=str(problem)), None
    return method.name, replace(start, scores=scores), sight


def made_by(method: Method, source: Path) -> Srgb:
    """Return the picture that a method writes of a file; raise FileProblem if it cannot."""
    with TemporaryDirectory(prefix="darkroom-") as folder:
        made = Path(folder, "made.tif")
        method.develop(source, made)
        return load_picture(made)


def grey_of(path: Path) -> Srgb:
    """Read a near-infrared picture as three equal channels."""
    return np.repeat(load_grey(path)[..., None], 3, axis=-1)


def score_files(
    name: str, results: Sequence[Path], truths: Sequence[Path], protocol: Protocol
) -> tuple[Scored, Sight | None]:
    """Score the file that is named so against its truth; a failure is the score's problem."""
    start = Scored(name, truths[0], results[0])
    try:
        for paths in (results, truths):
            refuse_several(paths)
        sight = Sight(load_picture(truths[0]), load_picture(results[0]))
        return replace(start, scores=scores_under(protocol, sight.truth, sight.result)), sight
    except FileProblem as problem:
        return replace(start, problem=str(problem)), None


def refuse_several(paths: Sequence[Path]) -> None:
    """Refuse to choose one of several files of the same name."""
    if len(paths) > 1:
        what = "several files match: " + ", ".join(path.name for path in paths)
        raise FileProblem(FailureCode.COLLISION, what, "leave one of them in the folder")


def summarise(row: Row) -> dict[str, Summary]:
    """Return the mean of every score of a row over the pictures that have scores."""
    scores = [picture.scores for picture in row.pictures if picture.scores]
    return {metric: summary_of([own[metric] for own in scores]) for metric in row.metrics}


def by_category(row: Row) -> list[Row]:
    """Split a row by the folders of its pictures, each part named for its folder; "" is none."""
    pictures = sorted(row.pictures, key=lambda picture: picture.category)
    groups = groupby(pictures, key=lambda picture: picture.category)
    return [replace(row, name=category, pictures=tuple(group)) for category, group in groups]


def worst(pictures: Iterable[Scored], count: int = WORST) -> list[Scored]:
    """Return the pictures of the lowest PSNR, the lowest first; failed ones have none."""
    return sorted((p for p in pictures if p.scores), key=lambda p: p.scores["psnr"])[:count]
