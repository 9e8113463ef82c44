import sys
import types
from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import EnvironmentProblem
from darkroom.learning.progress import Progress
from darkroom.learning.tensorboard import open_board, show_progress, show_strip

MODULE = "torch.utils.tensorboard.writer"


class Writer:
    def __init__(self, folder: Path) -> None:
        self.folder, self.points, self.pictures = folder, {}, []  # type: ignore[var-annotated]

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.points[name] = (value, step)

    def flush(self) -> None:
        self.flushed = True

    def add_image(self, name: str, picture: np.ndarray, step: int, dataformats: str) -> None:
        self.pictures.append((name, picture.dtype, picture.max(), step, dataformats))


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writer:
    stand_in = types.ModuleType(MODULE)
    stand_in.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.ModuleType("package"))
    monkeypatch.setitem(sys.modules, MODULE, stand_in)
    return open_board(tmp_path)  # type: ignore[return-value]


def test_without_tensorboard_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in ("torch.utils.tensorboard", MODULE):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(EnvironmentProblem, match=r'pip install "darkroom\[tensorboard\]"'):
        open_board(tmp_path)


def test_curves_are_named_by_what_they_show(board: Writer, tmp_path: Path) -> None:
    scores = {"mean": 26.0, "real pairs": 24.0}
    show_progress(board, Progress(7, 10, 0.5, 1e-3, 4.0, 2.0, scores, 1.5, {"verdict": 0.1}))  # type: ignore[arg-type]
    assert board.folder == tmp_path / "tensorboard"
    assert board.flushed
    assert board.points == {
        "loss/all": (0.5, 7),
        "loss/verdict": (0.1, 7),
        "run/learning_rate": (1e-3, 7),
        "run/seconds_per_step": (1.5, 7),
        "validation/mean": (26.0, 7),
        "validation/real pairs": (24.0, 7),
    }


def test_strips_are_shown_in_eight_bits(board: Writer) -> None:
    show_strip(board, np.full((4, 6, 3), 65535, np.uint16), 7)  # type: ignore[arg-type]
    assert board.pictures == [("validation", np.uint8, 255, 7, "HWC")]
