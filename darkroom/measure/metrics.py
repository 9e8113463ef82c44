"""Every score of a picture against its truth, by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
}
