"""The page of `darkroom eval --report`: scores, pictures to compare, error maps, densities."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom.measure.metrics import METRICS
from darkroom.picture.preview import jpeg_bytes, map_preview, png_bytes, preview_of
from darkroom.picture.scatter import CHANNELS, Counts, draw_scatter, joint_counts
from darkroom.report.pages import data_uri, page
from darkroom.report.plots import difference_map, is_picture
from darkroom.report.scores import evaluation_json, in_short, shown

if TYPE_CHECKING:
    from darkroom.evaluate import Evaluation, Row, Scored, Sight

WORST = 5
LONE = {
    "lone_results": "Results",
    "lone_truths": "Truths",
    "lone_sources": "Near-infrared pictures",
}


@dataclass(frozen=True)
class Figure:
    """A picture of the page: its PSNR, name and scores, and its views as named addresses."""

    psnr: float
    title: str
    note: str
    views: tuple[tuple[str, str], ...]


@dataclass
class Part:
    """What is kept of a row: the figures of its worst pictures and its best, and all levels."""

    worst: list[Figure] = field(default_factory=list)
    best: Figure | None = None
    counts: Counts | None = None

    def figures(self) -> list[Figure]:
        """Return the worst, the lowest PSNR first, then the best if it is not among them."""
        is_new = self.best is not None and self.best not in self.worst
        return [*self.worst, *([self.best] if self.best and is_new else [])]


@dataclass
class Album:
    """What is kept for the page while pictures come and go: small copies of the worst and best.

    Attributes:
        worst: how many of the worst pictures are shown of each row.
        parts: by the names of rows.
    """

    worst: int = WORST
    parts: dict[str, Part] = field(default_factory=dict)


def collect(album: Album, name: str, scored: "Scored", sight: "Sight | None") -> None:
    """Keep what the page will need of one picture: a `Tell` of `darkroom.evaluate`.

    Args:
        album: is filled.
        name: of the row.
        scored: the picture.
        sight: its pixels, None if it has no scores; planes of RAW frames are not shown.
    """
    if sight is None or not is_picture(sight):
        return
    part = album.parts.setdefault(name, Part())
    counts = joint_counts(sight.truth, sight.result)
    part.counts = counts if part.counts is None else part.counts + counts
    psnr = scored.scores["psnr"]
    is_bad = len(part.worst) < album.worst or (part.worst and psnr < part.worst[-1].psnr)
    is_best = part.best is None or psnr > part.best.psnr
    if not is_bad and not is_best:
        return
    figure = Figure(psnr, scored.name, in_short(scored), views_of(sight))
    if is_best:
        part.best = figure
    part.worst = sorted([*part.worst, figure], key=lambda one: one.psnr)[: album.worst]


def views_of(sight: "Sight") -> tuple[tuple[str, str], ...]:
    """Return the source if it is a picture, the result, the truth and the map of differences."""
    pictures = {"source": sight.source, "result": sight.result, "truth": sight.truth}
    small = {name: preview_of(srgb) for name, srgb in pictures.items() if srgb is not None}
    small["CIE76"] = map_preview(difference_map(sight))
    return tuple((name, data_uri(jpeg_bytes(p), "image/jpeg")) for name, p in small.items())


def report_page(evaluation: "Evaluation", album: Album) -> bytes:
    """Return the whole report as one HTML file.

    Args:
        evaluation: all scores.
        album: filled by `collect` while they were made.
    """
    record = json.loads(evaluation_json(evaluation))
    scored = {name for method in record["methods"] for name in method["scores"]}
    return page(
        "evaluation.html",
        pictures="data:",
        record=record,
        metrics=[(name, metric.label) for name, metric in METRICS.items() if name in scored],
        text_of=score_text,
        shown=[row_section(row, album.parts.get(row.name, Part())) for row in evaluation.rows],
        lone=[(what, record[name]) for name, what in LONE.items()],
    )


def row_section(row: "Row", part: Part) -> dict[str, object]:
    """Return what the template shows of a row beside its scores."""
    facts = [(name, value) for name, value in row.facts.items() if value is not None]
    section = {"name": row.name, "facts": facts, "figures": part.figures()}
    if part.counts is None:
        return {**section, "scatter": "", "histograms": []}
    scatter = data_uri(png_bytes(draw_scatter(part.counts, row.name)), "image/png")
    return {**section, "scatter": scatter, "histograms": list(histograms(part.counts))}


def histograms(counts: Counts) -> Iterator[dict[str, str]]:
    """Yield the outlines of each channel's levels, true and made, in a box of 256 x 100."""
    for channel, of_channel in zip(CHANNELS, counts, strict=True):
        made, true = of_channel.sum(axis=1), of_channel.sum(axis=0)
        highest = max(int(made.max()), int(true.max()), 1)
        yield {
            "channel": channel,
            "made": outline(made / highest),
            "true": f"{outline(true / highest)}V100H0Z",
        }


def outline(shares: npt.NDArray[np.float64]) -> str:
    """Return shares of the full height as an SVG path from left to right.

    >>> outline(np.array([0, 1]))
    'M0 100L1 0'
    """
    return "M" + "L".join(f"{x} {100 - 100 * share:.4g}" for x, share in enumerate(shares))


def score_text(value: float | str | None, metric: str) -> str:
    """Return a score of a JSON record as tables show it.

    >>> score_text(31.416, "psnr"), score_text("inf", "psnr"), score_text(None, "ssim")
    ('31.42', 'inf', '-')
    """
    return shown(metric, math.nan if value is None else float(value))
