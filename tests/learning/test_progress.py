import json
from pathlib import Path

import pytest

from darkroom.learning.config import TrainingSection
from darkroom.learning.progress import Progress, Tally, log

TRAINING = TrainingSection(steps=100, batch=4, warmup=0, learning_rate=1.0)


def test_losses_are_means_since_the_last_report() -> None:
    tally = Tally(10)
    for loss in (1.0, 3.0):
        tally.add({"loss": loss, "penalty": loss / 4})
    progress = tally.report(12, TRAINING, None)
    assert (progress.loss, progress.losses) == (2, {"penalty": 0.5})
    tally.add({"loss": 5.0})
    progress = tally.report(13, TRAINING, {"mean": 30.0})
    assert (progress.loss, progress.losses, progress.scores) == (5, {}, {"mean": 30.0})


def test_speed_counts_this_sitting_and_time_left_the_whole_run() -> None:
    tally = Tally(40)
    tally.started -= 20
    tally.add({"loss": 1.0})
    progress = tally.report(50, TRAINING, None)
    assert progress.seconds_per_step == pytest.approx(2, rel=0.01)
    assert progress.patches_per_second == pytest.approx(2, rel=0.01)
    assert progress.seconds == pytest.approx(100, rel=0.01)
    assert progress.seconds_left == pytest.approx(100, rel=0.01)


def test_a_line_of_the_log_holds_everything(tmp_path: Path) -> None:
    for step in (1, 2):
        log(Progress(step, 10, 0.5, 1e-3, 4.0, 2.0, losses={"verdict": 0.1}), tmp_path)
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert (first["step"], second["step"]) == (1, 2)
    assert first["losses"] == {"verdict": 0.1}
    assert {"seconds_per_step", "learning_rate", "scores"} <= set(first)
