"""Whether every tool is driven fairly: a chart almost without noise must come out as it went in."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
from dark_frames import Condition, Method, make_frame

from darkroom.measure.colour_difference import delta_e_2000, srgb_to_lab
from darkroom.picture.load import load_picture

# A colour chart of 24 patches in 8-bit sRGB, all within the gamut of the cameras.
PATCHES = (
    "735244 c29682 627a9d 576c43 8580b1 67bdaa "
    "d67e2c 505ba6 c15a63 5e3c6c 9dbc40 e0a32e "
    "383d96 469449 af363c e7c71f bb5695 4a86a8 "
    "f3f3f2 c8c8c8 a0a0a0 7a7a79 555555 343434"
)
ROWS, COLUMNS, SIZE = 4, 6, 96
ISO, RATIO = 50.0, 8.0  # hardly any noise, and yet something to brighten


def chart() -> np.ndarray:
    """Return the chart as sRGB (384, 576, 3) uint8."""
    colours = np.array([list(bytes.fromhex(patch)) for patch in PATCHES.split()], np.uint8)
    return colours.reshape(ROWS, COLUMNS, 3).repeat(SIZE, axis=0).repeat(SIZE, axis=1)


def patch_means(picture: np.ndarray) -> np.ndarray:
    """Return the mean of the middle of every patch, (24, 3)."""
    patches = picture.reshape(ROWS, SIZE, COLUMNS, SIZE, 3)
    quarter = slice(SIZE // 4, -SIZE // 4)
    return np.asarray(patches[:, quarter, :, quarter].mean(axis=(1, 3)).reshape(-1, 3))


def bright_check(methods: dict[str, Method], camera: str) -> dict[str, dict[str, float]]:
    """Return the mean and largest CIEDE2000 of the patches, for each method's first setting."""
    condition = Condition(camera, ISO, RATIO)
    checked = {}
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "chart.png"
        cv2.imwrite(str(truth), chart()[..., ::-1])
        dng = make_frame(truth, condition, 0, Path(folder))
        wanted = srgb_to_lab(patch_means(load_picture(truth)))
        for name, method in methods.items():
            (picture,) = method.develop([dng], condition, method.grid[0])
            found = delta_e_2000(wanted, srgb_to_lab(patch_means(picture)))
            mean, worst = round(float(found.mean()), 2), round(float(found.max()), 2)
            checked[name] = {"mean": mean, "worst": worst}
    return checked
