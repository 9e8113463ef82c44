"""What people read about models and training."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from darkroom.report.console import printable

if TYPE_CHECKING:
    from darkroom.learning.progress import Progress
    from darkroom.zoo.card import Card


def write_models(cards: Sequence["Card"]) -> None:
    """Write one line a model to the standard output: name, version, task, network, licence."""
    rows = [(card.name, card.version, card.task, card.network, card.licence) for card in cards]
    write_columns([("name", "version", "task", "network", "licence"), *rows])


def write_card(card: "Card") -> None:
    """Write every field of a card to the standard output."""
    fields = asdict(card)
    write_columns([(key, _value_text(value)) for key, value in fields.items()])


def write_columns(rows: Sequence[tuple[str, ...]]) -> None:
    """Write rows to the standard output with their columns aligned."""
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")


def training_line(progress: "Progress") -> str:
    """Return how far a training run is, in one line."""
    left = timedelta(seconds=round(progress.seconds_left))
    line = (
        f"step {progress.step} of {progress.steps}, loss {progress.loss:.5f}, "
        f"{progress.patches_per_second:.1f} patches/s, {left} left"
    )
    scores = ", ".join(f"{name} {value:.2f}" for name, value in (progress.scores or {}).items())
    return f"{line}; validation: {scores}" if scores else line


def _value_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
