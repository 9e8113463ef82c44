"""Show what radius and eps of the guided filter do: nine settings beside each other.

    python examples/guided_filter_sweep.py               # a drawing with its coarse colours
    python examples/guided_filter_sweep.py nir.png       # what nir-lite makes of a picture

Leaves guided_filter_sweep.png: a row for each radius, a column for each eps.
"""

import sys
from pathlib import Path

import numpy as np

from darkroom.colorize import Settings, load_colorizer, predict
from darkroom.measure.psnr import psnr
from darkroom.picture.detail import with_detail
from darkroom.picture.drawing import captioned, side_by_side
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.picture.load import load_grey
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.resampling import enlarged, shrunk

RADII, EPSES = (2, 5, 10), (1e-5, 1e-3, 1e-1)
TARGET = Path("guided_filter_sweep.png")
PANEL = 320  # pixels of each picture, cut from the middle


def drawing(size: int = PANEL) -> tuple[np.ndarray, np.ndarray]:
    """Return leaves before a sky: near-infrared (H, W) and its colours (3, H, W), in [0, 1]."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] / size
    nir, srgb = 0.25 + 0.1 * y, np.stack([0.45 + 0.1 * y, 0.6 + 0.1 * y, 0.8 - 0.1 * y])
    for _ in range(25):
        turn, length = rng.uniform(0, np.pi), rng.uniform(0.05, 0.15)
        across, along = x - rng.uniform(), y - rng.uniform()
        u = across * np.cos(turn) + along * np.sin(turn)
        v = along * np.cos(turn) - across * np.sin(turn)
        leaf, light = np.hypot(u, 3 * v) < length, rng.uniform(0.7, 1)
        vein = 0.08 * (np.abs(np.sin(60 * u)) > 0.9)
        nir = np.where(leaf, light - vein, nir)
        srgb = np.where(leaf, np.array([0.25, 0.5, 0.2])[:, None, None] * light - vein, srgb)
    return nir.astype(np.float32), srgb.astype(np.float32)


def panel(picture: np.ndarray, caption: str) -> np.ndarray:
    """Cut the middle of a picture (3, H, W) and write a line above it."""
    top, left = ((edge - min(edge, PANEL)) // 2 for edge in picture.shape[1:])
    middle = picture[:, top : top + PANEL, left : left + PANEL]
    pixels = np.rint(np.clip(np.moveaxis(middle, 0, -1), 0, 1) * 255).astype(np.uint8)
    return captioned(np.ascontiguousarray(pixels), caption)


def main() -> None:
    if names := sys.argv[1:]:
        nir, truth = load_grey(names[0]), None
        colours = predict(nir[None], load_colorizer(Settings())).picture
    else:
        nir, truth = drawing()
        colours = shrunk(truth, (PANEL // 8, PANEL // 8))  # without their detail
    blurred = enlarged(colours, nir.shape)
    rows = []
    for radius in RADII:
        panels = []
        for eps in EPSES:
            picture = with_detail(blurred, nir, GuidedFilter(radius, eps))
            caption = f"radius {radius}, eps {eps:g}"
            panels.append(panel(picture, caption))
            score = "" if truth is None else f": {psnr(truth, picture):.1f} dB"
            print(caption + score)
        rows.append(side_by_side(panels))
    with TARGET.open("wb") as file:
        write_png(file, np.concatenate(rows).astype(np.uint16) * 257, PictureMetadata())
    print(TARGET)


if __name__ == "__main__":
    main()
