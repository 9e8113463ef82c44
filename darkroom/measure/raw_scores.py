"""Scores of RAW frames: planes R, G, B, G2 against planes, black 0 and white 1."""

import numpy as np
import numpy.typing as npt

from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import UNIFORM, ssim

Planes = npt.NDArray[np.float32]  # (h, w, C), four of a Bayer frame


def raw_psnr(truth: Planes, result: Planes) -> float:
    """Return the PSNR in dB of planes that are cut to 0..1, peak 1, over all of them.

    Args:
        truth: (h, w, C), black 0, white 1.
        result: likewise.

    Raises:
        ValueError: shapes differ, or there is no value.

    >>> round(raw_psnr(np.full((2, 2, 4), 1), np.full((2, 2, 4), 0.9)), 6)
    20.0
    """
    return psnr(*cut(truth, result))


def raw_ssim(truth: Planes, result: Planes) -> float:
    """Return the SSIM of planes that are cut to 0..1, the mean over the planes.

    As scikit-image does it if nothing is said, which is what papers on noise in RAW frames report:
    a uniform window of 7 x 7 and sample covariances, data range 1 (Wei et al. 2020; 255 there,
    of planes times 255, which is the same).

    Args:
        truth: (h, w, C), black 0, white 1; 7 x 7 or larger.
        result: likewise.

    Raises:
        ValueError: shapes differ, or are too small.
    """
    return ssim(*cut(truth, result), UNIFORM)


def cut(truth: Planes, result: Planes) -> tuple[Planes, Planes]:
    """Return both cut to 0..1."""
    return np.clip(truth, 0, 1), np.clip(result, 0, 1)
