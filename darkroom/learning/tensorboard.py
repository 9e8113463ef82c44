"""Curves and pictures of a run for TensorBoard, which is an extra."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom.errors import EnvironmentProblem
from darkroom.learning.progress import Progress

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

FOLDER = "tensorboard"  # inside the folder of the run


def open_board(run: Path) -> "SummaryWriter":
    """Return what writes curves into the folder of the run.

    Raises:
        EnvironmentProblem: TensorBoard is not installed.
    """
    try:
        # Here and no sooner: most do not have it, and it loads slowly.
        from torch.utils.tensorboard.writer import SummaryWriter  # noqa: PLC0415
    except ImportError:
        raise EnvironmentProblem(
            "training.tensorboard needs TensorBoard, which is not installed; "
            'pip install "darkroom[tensorboard]", or leave it off'
        ) from None
    return SummaryWriter(run / FOLDER)


def show_progress(board: "SummaryWriter", progress: Progress) -> None:
    """Add a point to every curve: losses, rate, speed, scores."""
    figures = {
        "loss/all": progress.loss,
        "run/learning_rate": progress.learning_rate,
        "run/seconds_per_step": progress.seconds_per_step,
        **{f"loss/{name}": value for name, value in progress.losses.items()},
        **{f"validation/{name}": value for name, value in (progress.scores or {}).items()},
    }
    for name, value in figures.items():
        board.add_scalar(name, value, progress.step)
    board.flush()  # what a stopped run has shown stays


def show_strip(board: "SummaryWriter", strip: npt.NDArray[np.uint16], step: int) -> None:
    """Add the strip of a validation, (H, W, 3) uint16 in sRGB."""
    picture = (strip >> 8).astype(np.uint8)
    board.add_image("validation", picture, step, dataformats="HWC")
