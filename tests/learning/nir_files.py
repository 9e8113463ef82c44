"""Small pairs of near-infrared and colour for tests: leaves are bright, sky is dark."""

from pathlib import Path

import cv2
import numpy as np


def write_pairs(folder: Path, each: int = 3) -> Path:
    """Write pairs of 64 x 48 pixels in which near-infrared decides the colour."""
    rng = np.random.default_rng(0)
    for category in ("field", "water"):
        (folder / category).mkdir(parents=True, exist_ok=True)
        for index in range(each):
            nir = cv2.resize(rng.random((4, 5), np.float32), (64, 48))
            bgr = np.stack([1 - nir, 0.2 + 0.6 * nir, 0.5 * nir], -1)
            stem = str(folder / category / f"{index:04d}")
            cv2.imwrite(f"{stem}_nir.png", np.rint(nir * 255))
            cv2.imwrite(f"{stem}_rgb.png", np.rint(bgr * 255))
    return folder
