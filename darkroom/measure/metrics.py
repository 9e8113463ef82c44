"""Every score of a picture against its truth, by name."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem
from darkroom.measure.angular_error import angular_error
from darkroom.measure.colour_difference import delta_e_76, delta_e_2000, srgb_to_lab
from darkroom.measure.mse import mse
from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import WINDOW, ssim

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]
Difference = Callable[[npt.ArrayLike, npt.ArrayLike], npt.NDArray[np.float64]]

STRIP = 128  # rows of colour differences at a time: some megabytes each


@dataclass(frozen=True)
class Metric:
    """A score of a result (H, W, 3) against its truth.

    Attributes:
        label: what tables call it.
        score: takes truth and result in sRGB [0, 1].
        smallest: pixels that both sides need; smaller pictures have no such score.
    """

    label: str
    score: Callable[[Srgb, Srgb], float]
    smallest: int = 1


def mean_difference(difference: Difference, truth: Srgb, result: Srgb) -> float:
    """Return the mean colour difference over all pixels of (H, W, 3) sRGB pictures."""
    total = 0.0
    for top in range(0, len(truth), STRIP):
        strips = (picture[top : top + STRIP] for picture in (truth, result))
        total += float(difference(*map(srgb_to_lab, strips)).sum())
    return total / float(truth.shape[0] * truth.shape[1])


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR dB", psnr),
    "ssim": Metric("SSIM", ssim, smallest=WINDOW),
    "mse": Metric("MSE", mse),
    "cie76": Metric("CIE76", lambda truth, result: mean_difference(delta_e_76, truth, result)),
    "ciede2000": Metric(
        "CIEDE2000", lambda truth, result: mean_difference(delta_e_2000, truth, result)
    ),
    "angular": Metric("angle °", angular_error),
}


def scores_of(truth: Srgb, result: Srgb) -> dict[str, float]:
    """Return every score of a result, NaN where the pictures are too small for it.

    Args:
        truth: (H, W, 3) sRGB in [0, 1].
        result: likewise.

    Raises:
        FileProblem: they differ in size.
    """
    if truth.shape != result.shape:
        (rows, columns), (true_rows, true_columns) = result.shape[:2], truth.shape[:2]
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            f"the result is {columns} x {rows} pixels, its truth {true_columns} x {true_rows}",
            "cut them to the same size; nothing is cropped here",
        )
    side = min(truth.shape[:2])
    return {
        name: metric.score(truth, result) if side >= metric.smallest else math.nan
        for name, metric in METRICS.items()
    }
