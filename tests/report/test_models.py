from dataclasses import dataclass

import pytest

from darkroom.report.models import training_line, write_card, write_columns, write_models
from darkroom.zoo.card import Card

CARD = Card(name="night", network="unet", halo=16, multiple_of=16, licence="MIT\x1b[2J")


@dataclass(frozen=True)
class Progress:
    step: int = 100
    steps: int = 400
    loss: float = 0.0125
    learning_rate: float = 1e-3
    seconds: float = 60.0
    patches_per_second: float = 12.5
    scores: dict[str, float] | None = None
    seconds_left: float = 180.4


def test_columns_are_aligned_and_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    write_columns([("name", "state"), ("a-long-name", "ok\n")])
    assert capsys.readouterr().out == "name         state\na-long-name  ok\\n\n"


def test_models_and_cards_go_to_the_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write_models([CARD])
    write_card(CARD)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "\x1b" not in captured.out
    words = captured.out.split()
    assert {"night", "unet", "halo", "16", r"MIT\x1b[2J"} <= set(words)


def test_training_tells_step_loss_speed_and_time_left() -> None:
    line = training_line(Progress())
    assert line == "step 100 of 400, loss 0.01250, 12.5 patches/s, 0:03:00 left"
    assert training_line(Progress(scores={"x100": 31.416})).endswith("validation: x100 31.42")
