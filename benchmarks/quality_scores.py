"""How near a developed picture is to its truth: every score of the quality benchmark."""

import numpy as np
from dark_frames import Srgb, brightened

from darkroom.measure.colour_difference import delta_e_76, delta_e_2000, srgb_to_lab
from darkroom.measure.psnr import psnr
from darkroom.measure.ssim import ssim
from darkroom.picture.tone import srgb_decode

# Score -> (heading of its table, decimals, whether more is better).
SCORES = {
    "psnr": ("PSNR, dB", 2, True),
    "ssim": ("SSIM", 4, True),
    "de2000": ("colour difference, CIEDE2000", 2, False),
    "de76": ("colour difference, CIE 1976", 2, False),
    "psnr_aligned": ("PSNR after the best single gain, dB", 2, True),
}
UNCLIPPED = 0.98  # sRGB value; above, a gain cannot be told


def best_gain(truth: Srgb, result: Srgb) -> float:
    """Return the one gain on linear light that brings `result` nearest to `truth`.

    Least squares over the values clipped in neither.

    >>> half = brightened(np.full((4, 4, 3), 0.2, np.float32), 1)
    >>> round(best_gain(brightened(np.full((4, 4, 3), 0.4, np.float32), 1), half), 3)
    2.0
    """
    open_ended = (truth < UNCLIPPED) & (result < UNCLIPPED)
    wanted, given = (srgb_decode(picture[open_ended]) for picture in (truth, result))
    power = float(np.square(given).sum())
    return float((wanted * given).sum()) / power if power else 1.0


def scores(truth: Srgb, result: Srgb) -> dict[str, float]:
    """Return every score of a picture, both sRGB (H, W, 3) in [0, 1].

    Colour differences are means over every second pixel of every second row.
    """
    aligned = brightened(srgb_decode(result).astype(np.float32), best_gain(truth, result))
    lab, lab_result = (srgb_to_lab(picture[::2, ::2]) for picture in (truth, result))
    found = {
        "psnr": psnr(truth, result),
        "ssim": ssim(truth, result),
        "de2000": float(delta_e_2000(lab, lab_result).mean()),
        "de76": float(delta_e_76(lab, lab_result).mean()),
        "psnr_aligned": psnr(truth, aligned),
    }
    return {name: round(value, SCORES[name][1] + 1) for name, value in found.items()}
