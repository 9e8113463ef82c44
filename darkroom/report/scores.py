"""What people and scripts read of `darkroom eval`."""

import csv
import io
import json
import math
import os
import platform
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from darkroom import __version__
from darkroom.batch.records import VERSION
from darkroom.doctor import LIBRARIES, package_version
from darkroom.evaluate import by_category, summarise, worst
from darkroom.measure.metrics import METRICS
from darkroom.report.console import printable, say
from darkroom.report.models import write_columns

if TYPE_CHECKING:
    from pathlib import Path

    from darkroom.evaluate import Evaluation, Row, Scored
    from darkroom.measure.summary import Summary

FORMS = dict.fromkeys(("psnr", "cie76", "ciede2000", "angular"), ".2f")
FORMS |= {"ssim": ".4f", "ms_ssim": ".4f", "mse": ".3g"}
# Ends of an interval need a digit less, and the table has to fit a terminal.
END_FORMS = dict.fromkeys(("cie76", "ciede2000", "angular"), ".1f")
END_FORMS |= {"ssim": ".3f", "ms_ssim": ".3f", "mse": ".2g"}
ANY_FORM = ".4g"  # of a metric that is new
FACTS = ("method", "picture", "category", "truth", "result", "seed", "problem")
LISTED = 5  # files without a partner that are named
NO_CATEGORY = "(no folder)"


def write_scores(evaluation: "Evaluation", *, categories: bool = False) -> None:
    """Write the table of means with their intervals, its protocol, and the worst of every row.

    With `categories`, each row is followed by the means of each folder of its pictures.
    """
    lines = []
    for row in evaluation.rows:
        lines += [*lines_of(row), *(category_cells(row, "  ") if categories else ())]
    write_columns([head_of(evaluation), *lines])
    write_columns([(evaluation.protocol["in_short"],)])
    for row in evaluation.rows:
        if found := worst(row.pictures):
            write_columns([("",), (f"worst of {row.name}:",)])
            write_columns([("  " + picture.name, in_short(picture)) for picture in found])


def head_of(evaluation: "Evaluation") -> tuple[str, ...]:
    """Return the names of the columns; all rows have the same scores."""
    metrics = evaluation.rows[0].metrics if evaluation.rows else tuple(METRICS)
    return ("method", "pictures", "failed", *(METRICS[metric].label for metric in metrics))


def lines_of(row: "Row") -> Iterator[tuple[str, ...]]:
    """Yield a row's means and, below them, their intervals."""
    summaries = summarise(row)
    yield mean_cells(row, row.name)
    intervals = [interval_text(*of_metric, "{}–{}") for of_metric in summaries.items()]
    if any(intervals):
        yield "  95 % interval", "", "", *intervals


def category_cells(row: "Row", before: str) -> Iterator[tuple[str, ...]]:
    """Yield the means of each folder of a row's pictures, with a text before its name."""
    for part in by_category(row):
        yield mean_cells(part, before + (part.name or NO_CATEGORY))


def mean_cells(row: "Row", name: str) -> tuple[str, ...]:
    """Return a row's counts and means under a name."""
    means = (shown(metric, summary.mean) for metric, summary in summarise(row).items())
    return name, str(len(row.pictures)), str(row.failed), *means


def write_markdown(evaluation: "Evaluation", *, categories: bool = False) -> None:
    """Write the table alone, in Markdown, each interval behind its mean."""
    head = head_of(evaluation)
    lines = [head, ("---", *("---:" for _ in head[1:]))]
    for row in evaluation.rows:
        lines.append(markdown_cells(row))
        lines += category_cells(row, f"{row.name}: ") if categories else ()
    for name, *cells in lines:
        write_columns([("| " + " | ".join((name.replace("|", "\\|"), *cells)) + " |",)])


def markdown_cells(row: "Row") -> tuple[str, ...]:
    """Return a row's cells, each interval behind its mean."""
    scores = (
        " ".join((shown(metric, summary.mean), interval_text(metric, summary, "[{}, {}]"))).rstrip()
        for metric, summary in summarise(row).items()
    )
    return row.name, str(len(row.pictures)), str(row.failed), *scores


def say_notes(evaluation: "Evaluation") -> None:
    """Say what the means leave out: failures, scores that are no numbers, files left over."""
    for row in evaluation.rows:
        if row.failed:
            say(f"{row.name}: {row.failed} of {len(row.pictures)} failed and are not in the means")
        for metric, summary in summarise(row).items():
            if left_out := left_out_of(summary):
                say(f"{row.name}: {METRICS[metric].label}: {left_out}, not in the mean")
    lone_files = {
        "results": evaluation.lone_results,
        "truths": evaluation.lone_truths,
        "near-infrared pictures": evaluation.lone_sources,
    }
    for what, lone in lone_files.items():
        if lone:
            names = ", ".join(path.name for path in lone[:LISTED])
            more = f" and {len(lone) - LISTED} more" if len(lone) > LISTED else ""
            say(f"{len(lone)} {what} without a partner: {names}{more}")


def left_out_of(summary: "Summary") -> str:
    """Say how many scores are infinite or missing, "" if none."""
    parts = (
        (summary.infinite, "infinite (equal pictures)"),
        (summary.missing, "missing (too small)"),
    )
    return ", ".join(f"{count} {what}" for count, what in parts if count)


def picture_line(name: str, picture: "Scored") -> str:
    """Return one picture's scores, or why it has none, in one line."""
    return f"{name}: {picture.name}: {picture.problem or in_short(picture)}"


def in_short(picture: "Scored") -> str:
    """Return all scores of a picture."""
    return ", ".join(
        f"{METRICS[metric].label} {shown(metric, value)}"
        for metric, value in picture.scores.items()
    )


def shown(metric: str, value: float) -> str:
    """Return a score as tables show it.

    >>> shown("psnr", 31.416), shown("mse", 0.00123456), shown("psnr", math.inf)
    ('31.42', '0.00123', 'inf')
    """
    return "-" if math.isnan(value) else format(value, FORMS.get(metric, ANY_FORM))


def interval_text(metric: str, summary: "Summary", form: str) -> str:
    """Return the interval of a mean, its two ends put into a form, "" if it has none."""
    if summary.interval is None:
        return ""
    end_form = END_FORMS.get(metric, FORMS.get(metric, ANY_FORM))
    return form.format(*(format(end, end_form) for end in summary.interval))


def pictures_csv(evaluation: "Evaluation") -> bytes:
    """Return one line a picture and row, all digits; scores that are no numbers: inf and nan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*FACTS, *METRICS))
    for row in evaluation.rows:
        for picture in row.pictures:
            scores = (picture.scores.get(metric, "") for metric in METRICS)
            seed = "" if picture.seed is None else picture.seed
            names = (row.name, picture.name, picture.category, str(picture.truth))
            result = path_text(picture.result) or ""
            problem = printable(picture.problem)
            writer.writerow((*map(printable, names), result, seed, problem, *scores))
    return text.getvalue().encode()


def evaluation_json(evaluation: "Evaluation") -> bytes:
    """Return everything as one JSON object, the same bytes for the same scores."""
    record = {
        "v": VERSION,
        "darkroom": __version__,
        "machine": {"system": platform.platform(), "machine": platform.machine()}
        | {"cores": os.cpu_count()},
        "versions": {"python": platform.python_version()}
        | {name: package_version(name) for name in LIBRARIES},
        "protocol": dict(evaluation.protocol),
        "methods": [row_record(row) for row in evaluation.rows],
        "lone_results": [path_text(path) for path in evaluation.lone_results],
        "lone_truths": [path_text(path) for path in evaluation.lone_truths],
        "lone_sources": [path_text(path) for path in evaluation.lone_sources],
    }
    return (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()


def row_record(row: "Row") -> dict[str, object]:
    """Return the means of a row, of its categories, its worst pictures and every picture."""
    return {
        "name": printable(row.name),
        **row.facts,
        **means_record(row),
        "categories": {printable(part.name): means_record(part) for part in by_category(row)},
        "worst": [printable(picture.name) for picture in worst(row.pictures)],
        "each": [picture_record(picture) for picture in row.pictures],
    }


def means_record(row: "Row") -> dict[str, object]:
    """Return how many pictures there are, and the mean of every score."""
    summaries = summarise(row)
    return {
        "pictures": len(row.pictures),
        "failed": row.failed,
        "scores": {metric: summary_record(summary) for metric, summary in summaries.items()},
    }


def summary_record(summary: "Summary") -> dict[str, object]:
    """Return a mean, the ends of its interval, and how many scores are in it or are left out."""
    low, high = summary.interval or (None, None)
    return {
        "mean": number(summary.mean),
        "low": low,
        "high": high,
        "count": summary.count,
        "infinite": summary.infinite,
        "missing": summary.missing,
    }


def picture_record(picture: "Scored") -> Mapping[str, object]:
    """Return the scores of one picture, or why it has none."""
    return {
        "name": printable(picture.name),
        "category": printable(picture.category),
        "truth": path_text(picture.truth),
        "result": path_text(picture.result),
        "seed": picture.seed,
        "problem": printable(picture.problem) or None,
        "scores": {metric: number(value) for metric, value in picture.scores.items()},
    }


def number(value: float) -> float | str | None:
    """Return what JSON can hold of a score: infinity as "inf", NaN as null."""
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else value


def path_text(path: "Path | None") -> str | None:
    """Return a path as text whatever bytes it holds."""
    return None if path is None else printable(str(path))
