"""LibRaw as a peer: alone, before OpenCV's non-local means, and with its own noise reduction."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from dark_frames import Condition, Method, Setting, Srgb, brightened, libraw_ahd
from peers_commands import run_over

# rawpy's noise_thr crashes, hence LibRaw's own program: linear sRGB primaries, 16 bit, AHD,
# camera white balance, nothing brightened (-c 0 as in `libraw_ahd`).
DCRAW_EMU = ["dcraw_emu", "-w", "-W", "-c", "0", "-4", "-T", "-q", "3", "-o", "1", "-t", "0"]


def ahd(dngs: list[Path], condition: Condition, _setting: Setting) -> Iterator[Srgb]:
    """Yield LibRaw's pictures, noise and all."""
    for dng in dngs:
        yield libraw_ahd(dng, condition.ratio)


def non_local_means(dngs: list[Path], condition: Condition, setting: Setting) -> Iterator[Srgb]:
    """Yield LibRaw's pictures after OpenCV's non-local means on 8-bit sRGB, windows 7 and 21."""
    for dng in dngs:
        srgb8 = np.rint(libraw_ahd(dng, condition.ratio) * 255).astype(np.uint8)
        cleaned = cv2.fastNlMeansDenoisingColored(
            srgb8, None, setting["h"], setting["hColor"], 7, 21
        )
        yield np.asarray(cleaned, np.float32) / 255


def noise_reduction(dngs: list[Path], condition: Condition, setting: Setting) -> Iterator[Srgb]:
    """Yield LibRaw's pictures with FBDD and wavelet noise reduction before demosaicing."""

    def command(links: list[Path], pictures: Path, _home: Path) -> list[str]:
        for link in links:  # it writes beside its input
            (pictures / link.name).symlink_to(link.resolve())
        strength = ["-fbdd", "2", "-n", f"{setting['threshold']:g}"]
        return [*DCRAW_EMU, *strength, *(str(pictures / link.name) for link in links)]

    for linear in run_over(dngs, command, suffix=".dng.tiff"):
        yield brightened(linear, condition.ratio)


NLM_GRID = tuple({"h": h, "hColor": 2 * h} for h in (3, 6, 10, 15, 20, 30, 45, 60))
THRESHOLDS = tuple({"threshold": threshold} for threshold in (60, 150, 400, 1000, 2500, 6000))
METHODS = {
    "LibRaw AHD": Method(ahd),
    "LibRaw + NLM default": Method(non_local_means, ({"h": 3, "hColor": 3},)),
    "LibRaw + NLM best": Method(non_local_means, NLM_GRID),
    "LibRaw noise reduction best": Method(noise_reduction, THRESHOLDS, DCRAW_EMU[0]),
}
