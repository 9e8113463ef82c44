"""Small drawn pictures, and a report over them, that the tests of the pages share."""

from pathlib import Path

import numpy as np

from darkroom.evaluate import PROTOCOL, Evaluation, Row, Scored, Sight
from darkroom.measure.metrics import METRICS, scores_of
from darkroom.report.html import Album, collect, report_page

EVIL = "<script>alert(1)</script>.png"


def drawing(seed: int = 0, rows: int = 24) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((rows, 32, 3), np.float32) * 0.5 + 0.25


def sight(seed: int, error: float) -> Sight:
    truth = drawing(seed)
    noise = np.random.default_rng(seed + 99).normal(0, error, truth.shape)
    return Sight(truth, np.clip(truth + noise, 0, 1).astype(np.float32), truth * np.float32(0.1))


def add(album: Album, row: str, name: str, seen: Sight) -> Scored:
    scored = Scored(name, Path(name), scores=scores_of(seen.truth, seen.result))
    collect(album, row, scored, seen)
    return scored


def report(*names: str, row: str = "fast-unet") -> bytes:
    """Return the page of pictures that get worse by and by, and of one that failed."""
    album = Album()
    errors = np.linspace(0.01, 0.2, len(names))
    pictures = [
        add(album, row, name, sight(seed, error))
        for seed, (name, error) in enumerate(zip(names, errors, strict=True))
    ]
    broken = Scored("broken.png", Path("broken.png"), problem="E_EMPTY: the file has 0 bytes")
    facts = {"model": "fast-unet", "sha256": "0f" * 32, "gpu": None}
    rows = (Row(row, (*pictures, broken), facts),)
    assert set(pictures[0].scores) == set(METRICS)
    return report_page(Evaluation(rows, PROTOCOL, lone_truths=(Path("lone.png"),)), album)
