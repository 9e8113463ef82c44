"""The record of the quality benchmark: kept after every step, and laid out as tables."""

import json
import platform
import re
import shutil
import subprocess
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from quality_scores import SCORES

from darkroom import __version__
from darkroom.publish import publish

FORMAT = 2
OURS = "darkroom"
Record = dict[str, Any]

DATA = (
    "simulated dark frames (full sensor noise model, Tukey-lambda read noise), equal for all "
    "methods by their seed; exact ratio in linear light, camera white balance, sRGB, no look"
)
TUNING = (
    "'best' is the setting of the grid with the best mean PSNR on every sixth picture (on all of "
    "fewer than twelve), chosen with the truth at hand for every condition, climbing from the "
    "middle of the grid; this favours the peers"
)


def open_record(path: Path | None, pictures: list[str]) -> Record:
    """Return the record at `path`, or a new one where there is none of this format.

    Raises:
        SystemExit: the record is about other pictures.
    """
    record: Record = json.loads(path.read_text()) if path and path.exists() else {}
    if record.get("format") != FORMAT:
        about = {"data": DATA, "tuning": TUNING, "pictures": pictures}
        return {"format": FORMAT, **about, "versions": {}, "bright_frame_check": {}, "results": {}}
    if record["pictures"] != pictures:
        raise SystemExit(f"{path} is about other pictures; name another record with -o")
    return record


def save(record: Record, path: Path | None) -> None:
    """Write the record, one line for each list, with what another run has added meanwhile."""
    if path is None:
        return
    record["date"] = date.today().isoformat()
    record["machine"] = platform.processor() or platform.machine()
    record["versions"] = {"darkroom": __version__, **peer_versions()}
    added = open_record(path, record["pictures"])
    for part in ("results", "bright_frame_check"):
        for key, rows in added[part].items():
            ours = record[part].setdefault(key, {})
            ours.update({name: row for name, row in rows.items() if name not in ours})
    flat = re.sub(r"\[[^][{}]*\]", lambda match: " ".join(match[0].split()), dumped(record))
    publish(path, lambda file: file.write(flat.encode()), overwrite=True)


def dumped(record: Record) -> str:
    return json.dumps(record, indent=1) + "\n"


@cache
def peer_versions() -> dict[str, str]:
    """Return the first line that each installed program says of its version."""
    ways = {"darktable": ["darktable-cli", "--version"], "RawTherapee": ["rawtherapee-cli", "-v"]}
    found = {}
    for name, command in ways.items():
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            found[name] = said.stdout.strip().splitlines()[0]
    return found


def summary(each: list[dict[str, float]]) -> dict[str, Any]:
    """Return the mean of every score and the scores of every picture, in their order."""
    return {
        name: {
            "mean": round(float(np.mean([one[name] for one in each])), decimals),
            "each": [one[name] for one in each],
        }
        for name, (_, decimals, _) in SCORES.items()
    }


def tables(record: Record) -> str:
    """Return a Markdown table for each score, then how often darkroom is not first."""
    parts = [table(record, score) for score in SCORES]
    return "\n\n".join([*parts, setting_table(record)])


def table(record: Record, score: str) -> str:
    """Lay one score out: a row a method, a column a condition, the best in bold."""
    heading, decimals, more_is_better = SCORES[score]
    results = record["results"]
    means = {
        condition: {name: found["scores"][score]["mean"] for name, found in rows.items()}
        for condition, rows in results.items()
    }
    best = {c: (max if more_is_better else min)(rows.values()) for c, rows in means.items()}

    def cell(name: str, condition: str) -> str:
        value = means[condition].get(name)
        if value is None:
            return "-"
        mark = "**" if value == best[condition] else ""
        return f"{mark}{value:.{decimals}f}{mark}"

    names = row_names(record)
    lines = [row(name, (cell(name, condition) for condition in results)) for name in names]
    for ours in (name for name in names if name.startswith(OURS)):
        lost = (behind(results[condition], ours, score) for condition in results)
        lines.append(row(f"{ours}: pictures behind a peer (smallest lead)", lost))
    return "\n".join([f"### {heading}", "", *header(list(results)), *lines])


def behind(rows: Record, ours: str, score: str) -> str:
    """Count the pictures on which some peer is at least as good, and name the smallest lead.

    >>> one, other = ({"scores": {"psnr": {"each": each}}} for each in ([30, 25], [28, 26]))
    >>> behind({"LibRaw": other, "darkroom": one}, "darkroom", "psnr")
    '1 (-1.00)'
    """
    peers = [found for name, found in rows.items() if not name.startswith(OURS)]
    if ours not in rows or not peers:
        return "-"
    _, decimals, more_is_better = SCORES[score]
    sign = 1 if more_is_better else -1
    best = np.max([sign * np.array(peer["scores"][score]["each"]) for peer in peers], axis=0)
    lead = sign * np.array(rows[ours]["scores"][score]["each"]) - best
    return f"{(lead <= 0).sum()} ({lead.min():+.{decimals}f})"


def setting_table(record: Record) -> str:
    """Lay out the setting that each tuned peer was given in each condition."""
    results = record["results"]
    lines = []
    for name in row_names(record):
        found = [rows.get(name, {}) for rows in results.values()]
        if any("tuning" in one for one in found):
            shown = (", ".join(f"{v}" for v in one.get("setting", {}).values()) for one in found)
            lines.append(row(name, shown))
    return "\n".join(["### Best settings", "", *header(list(results)), *lines])


def row_names(record: Record) -> list[str]:
    """Return all methods, peers first, darkroom last."""
    names = list(dict.fromkeys(name for rows in record["results"].values() for name in rows))
    return sorted(names, key=lambda name: name.startswith(OURS))


def header(columns: list[str]) -> list[str]:
    return [row("method", columns), "|---" * (len(columns) + 1) + "|"]


def row(name: str, cells: Any) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"
