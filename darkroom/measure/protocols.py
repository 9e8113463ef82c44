"""Protocols: what is done to results and truths before they are scored, and what that is called.

A number says little without its protocol. Those here are the ones that papers on dark RAW frames
report: Chen et al. 2018, "Learning to See in the Dark" (SID), with the subsets that are in use;
and Wei et al. 2020, "A physics-based noise formation model for extreme low-light raw denoising"
(ELD). Which pairs belong to one is in `darkroom.learning.sid_names`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from darkroom.errors import UsageProblem
from darkroom.measure.illuminance import illuminance_corrected
from darkroom.measure.metrics import (
    MATLAB_METRICS,
    METRICS,
    RAW_METRICS,
    Metric,
    require_one_size,
    scores_of,
)

Picture = npt.NDArray[np.float32]  # (H, W, 3) sRGB or (h, w, 4) planes, white 1


@dataclass(frozen=True)
class Protocol:
    """What is compared, and how.

    Attributes:
        name: as people write it.
        pictures: which pictures of a set count, in words.
        domain: finished pictures, or planes of RAW frames.
        tone: the curve that results of pairs get; "" for planes.
        levels: white is this whole number and values are rounded, None keeps them as they are.
        crop: side of the square in the middle that counts, None for all.
        is_corrected: whether the brightness of a result is corrected (`illuminance_corrected`).
        ssim_as: which structural similarity, a name in `METRICS_OF`.
        most_ratio: ratios of exposures are cut here.
    """

    name: str
    pictures: str
    domain: Literal["srgb", "raw"] = "srgb"
    tone: str = ""
    levels: int | None = None
    crop: int | None = None
    is_corrected: bool = False
    ssim_as: str = "windows"
    most_ratio: float = 300.0

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Its scores by name."""
        return METRICS_OF[self.ssim_as]


def _sid(name: str, pictures: str) -> Protocol:
    return Protocol(name, pictures, tone="libraw", levels=255, ssim_as="volume")


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("plain", "all", tone="srgb"),
        _sid("sid-598", "test scenes, all short exposures: 598 of Sony"),
        _sid("sid-00-93", "test scenes, first short exposures (_00_): 93 of Sony"),
        _sid("sid-562", "test scenes without 10034, 10045, 10172: 562 of Sony"),
        Protocol("eld-illum", "all", "raw", crop=512, is_corrected=True, ssim_as="uniform"),
        Protocol("raw-full", "all", "raw", ssim_as="uniform"),
    )
}
PLAIN = PROTOCOLS["plain"]

METRICS_OF = {"windows": METRICS, "volume": MATLAB_METRICS, "uniform": RAW_METRICS}
SSIM_WORDS = {
    "windows": "Wang 2004: Gaussian window of 11 x 11, sigma 1.5, where it lies inside the picture,"
    " K1 0.01, K2 0.03, no downsampling, mean of the channels R, G, B",
    "volume": "as MATLAB's ssim of an RGB picture: Gaussian window of 11 x 11 x 11, sigma 1.5,"
    " colours as a third direction, the edge repeated, K1 0.01, K2 0.03",
    "uniform": "as scikit-image without options: uniform window of 7 x 7 where it lies inside the"
    " picture, sample covariance, K1 0.01, K2 0.03, mean of the channels",
}
SSIM_IN_SHORT = {
    "windows": "SSIM Gaussian 11 x 11 by channel",
    "volume": "SSIM as MATLAB's, by volume",
    "uniform": "SSIM uniform 7 x 7",
}
WORDS = {
    "psnr": "decibels, peak 1, one mean squared error over all pixels and channels",
    "ms_ssim": "Wang 2003: five scales, the window and constants of Wang 2004, mean of the channels"
    " R, G, B; pictures of 176 x 176 and larger have it",
    "mse": "mean squared error over all pixels and channels, white is 1",
    "cie76": "mean over the pixels of the distance in CIELAB under D65",
    "ciede2000": "mean over the pixels, Sharma 2005, CIELAB under D65, kL = kC = kH = 1",
    "angular": "degrees, mean over the pixels of the angle between the RGB vectors as coded, black"
    " as grey, Suarez 2017",
    "mean": "over the pictures that have a finite score; others are counted beside it",
    "interval": "95 % of the mean over pictures, percentile bootstrap, 2000 draws, seed 0",
}


def find_protocol(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        UsageProblem: there is none.

    >>> find_protocol("sid-562").levels
    255
    """
    if name not in PROTOCOLS:
        raise UsageProblem(f"no protocol is called {name!r}; choose one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def in_words(protocol: Protocol) -> Mapping[str, str]:
    """Say what a protocol does, for records; `in_short` is one line of it."""
    crop, depth, correction = (
        crop_words(protocol),
        depth_words(protocol),
        correction_words(protocol),
    )
    short_crop = "no crop" if protocol.crop is None else f"centre {protocol.crop} x {protocol.crop}"
    short_depth = "bits as they come" if protocol.levels is None else "8 bits"
    aligned = "brightness corrected" if protocol.is_corrected else "no alignment"
    parts = (short_crop, aligned, short_depth, SSIM_IN_SHORT[protocol.ssim_as])
    known = {name: text for name, text in WORDS.items() if name not in METRICS}
    scored = {name: WORDS[name] for name in protocol.metrics if name in WORDS}
    return {
        "protocol": protocol.name,
        "in_short": f"protocol {protocol.name}: {', '.join(parts)}",
        "pictures": protocol.pictures,
        "compared": COMPARED[protocol.domain],
        "crop": crop,
        "alignment": correction,
        "bit_depth": depth,
        "ssim": SSIM_WORDS[protocol.ssim_as],
        **scored,
        **known,
    }


COMPARED = {
    "srgb": "every pixel of a result with that pixel of its truth, upright, as the values stand"
    " in the files and scaled to 0..1; they are taken as sRGB, colour profiles are not read",
    "raw": "every value of the planes R, G, B, G2 with that value of the truth, black 0, white 1,"
    " cut to 0..1",
}


def crop_words(protocol: Protocol) -> str:
    """Say what is cut away."""
    whole = "pictures that differ in size are failures"
    if protocol.crop is None:
        return f"none; {whole}"
    size = f"{protocol.crop} x {protocol.crop}"
    return f"the {size} in the middle, of planes or pictures; the model sees the frame; {whole}"


def depth_words(protocol: Protocol) -> str:
    """Say how values are rounded."""
    if protocol.levels is None:
        return "each file at its own, 8 or 16 bits; nothing is rounded before it is scored"
    return "8 bits: results and truths are rounded to whole levels of 255"


def correction_words(protocol: Protocol) -> str:
    """Say whether results are made as bright, or shifted, to fit their truths."""
    if not protocol.is_corrected:
        return "none, neither of brightness nor of place"
    return "brightness: one factor a frame, least squares where the truth is not white; no shift"


def scores_under(protocol: Protocol, truth: Picture, result: Picture) -> dict[str, float]:
    """Return the scores of a result (H, W, C) against its truth under a protocol.

    Raises:
        FileProblem: they differ in size.
    """
    truth, result = prepared(protocol, truth, result)
    return scores_of(truth, result, protocol.metrics)


def prepared(protocol: Protocol, truth: Picture, result: Picture) -> tuple[Picture, Picture]:
    """Return truth and result (H, W, C) as they are scored: cut, corrected, rounded.

    Raises:
        FileProblem: they differ in size.
    """
    require_one_size(truth, result)
    if protocol.crop:
        truth, result = middle(truth, protocol.crop), middle(result, protocol.crop)
    if protocol.is_corrected:
        result = illuminance_corrected(truth, result)
    if protocol.domain == "raw":
        truth, result = np.clip(truth, 0, 1), np.clip(result, 0, 1)
    if protocol.levels:
        truth, result = rounded(truth, protocol.levels), rounded(result, protocol.levels)
    return truth, result


def middle(picture: Picture, side: int) -> Picture:
    """Return the square in the middle, all of a side that is shorter.

    >>> middle(np.arange(5.0)[:, None] * np.ones((1, 2)), 3)[:, 0].tolist()
    [1.0, 2.0, 3.0]
    """
    top, left = (max(size // 2 - side // 2, 0) for size in picture.shape[:2])
    return picture[top : top + side, left : left + side]


def rounded(picture: Picture, levels: int) -> Picture:
    """Return the values at the nearest of so many levels, as a file of 8 bits would hold them."""
    return np.asarray(np.rint(np.clip(picture, 0, 1) * levels) / np.float32(levels), np.float32)
