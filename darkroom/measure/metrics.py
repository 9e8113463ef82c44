"""Every score of a picture against its truth, by name."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem
from darkroom.measure.angular_error import angular_error
from darkroom.measure.colour_difference import delta_e_76, delta_e_2000, srgb_to_lab
from darkroom.measure.ms_ssim import SMALLEST, ms_ssim
from darkroom.measure.mse import mse
from darkroom.measure.psnr import psnr
from darkroom.measure.raw_scores import raw_psnr, raw_ssim
from darkroom.measure.ssim import UNIFORM, WINDOW, ssim
from darkroom.measure.ssim_volume import ssim_volume
from darkroom.measure.threads import in_threads

Srgb = npt.NDArray[np.float32]  # (H, W, 3) in [0, 1]
Score = Callable[[Srgb, Srgb], float]
Difference = Callable[[npt.ArrayLike, npt.ArrayLike], npt.NDArray[np.float64]]

STRIP = 8  # rows of colour differences at a time: they stay in the processor's cache


@dataclass(frozen=True)
class Metric:
    """A score of a result (H, W, 3) against its truth.

    Attributes:
        label: what tables call it.
        score: takes truth and result in sRGB [0, 1].
        smallest: pixels that both sides need; smaller pictures have no such score.
    """

    label: str
    score: Score
    smallest: int = 1


def mean_difference(difference: Difference, truth: Srgb, result: Srgb) -> float:
    """Return the mean colour difference over all pixels of (H, W, 3) sRGB pictures."""

    def total(top: int) -> float:
        strips = (picture[top : top + STRIP] for picture in (truth, result))
        return float(difference(*map(srgb_to_lab, strips)).sum())

    sums = in_threads(total, range(0, len(truth), STRIP))
    return sum(sums) / float(truth.shape[0] * truth.shape[1])


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR dB", psnr),
    "ssim": Metric("SSIM", ssim, smallest=WINDOW),
    "ms_ssim": Metric("MS-SSIM", ms_ssim, smallest=SMALLEST),
    "mse": Metric("MSE", mse),
    "cie76": Metric("CIE76", lambda truth, result: mean_difference(delta_e_76, truth, result)),
    "ciede2000": Metric(
        "CIEDE2000", lambda truth, result: mean_difference(delta_e_2000, truth, result)
    ),
    "angular": Metric("angle °", angular_error),
}


# As papers on "Learning to See in the Dark" have it.
MATLAB_METRICS = METRICS | {"ssim": Metric("SSIM", ssim_volume)}
# Of planes: they have no colours that people see.
RAW_METRICS = {
    "psnr": Metric("PSNR dB", raw_psnr),
    "ssim": Metric("SSIM", raw_ssim, smallest=UNIFORM.size),
    "mse": METRICS["mse"],
}


def scores_of(
    truth: Srgb, result: Srgb, metrics: Mapping[str, Metric] = METRICS
) -> dict[str, float]:
    """Return every score of a result, NaN where the pictures are too small for it.

    Args:
        truth: (H, W, 3) sRGB in [0, 1]; or (h, w, 4) planes, white 1, for metrics that take them.
        result: likewise.
        metrics: the scores by name.

    Raises:
        FileProblem: they differ in size.
    """
    require_one_size(truth, result)
    side = min(truth.shape[:2])
    return {
        name: metric.score(truth, result) if side >= metric.smallest else math.nan
        for name, metric in metrics.items()
    }


def require_one_size(truth: Srgb, result: Srgb) -> None:
    """Refuse with a FileProblem pictures that differ in size."""
    if truth.shape != result.shape:
        (rows, columns), (true_rows, true_columns) = result.shape[:2], truth.shape[:2]
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            f"the result is {columns} x {rows} pixels, its truth {true_columns} x {true_rows}",
            "cut them to the same size; nothing is cropped here",
        )
