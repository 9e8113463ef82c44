"""Clean RAW frames as truths: real scenes and lenses, no demosaicing error, no picture format."""

from pathlib import Path

import cv2
import numpy as np

from darkroom.camera.bayer import binned
from darkroom.camera.read import read_raw
from darkroom.picture.render import camera_to_srgb
from darkroom.picture.tone import srgb_encode

# Frames at base ISO of a GoPro in daylight; the second one is a fisheye's circle.
SCENES = ("gopro_hero6_iso100.dng", "gopro_fusion_iso100.dng")
SIDE = 1024  # of the central square after binning; lies within the circle


def scene_truths(folder: Path, target: Path) -> list[Path]:
    """Write every scene as a 16-bit sRGB PNG into `target`.

    Each 2x2 cell becomes one pixel, which also cuts the frame's own noise by half. Colours beyond
    sRGB are clipped, so that every tool could reach the truth.
    """
    return [write_truth(folder / name, target) for name in SCENES]


def write_truth(source: Path, target: Path) -> Path:
    """Write the central square of a RAW frame as a PNG."""
    raw = read_raw(source)
    linear = np.tensordot(camera_to_srgb(raw.xyz_to_camera), binned(raw), axes=1)
    top, left = ((size - SIDE) // 2 for size in linear.shape[1:])
    square = np.clip(linear[:, top : top + SIDE, left : left + SIDE], 0, 1)
    srgb16 = np.rint(np.moveaxis(srgb_encode(square), 0, -1) * 65535).astype(np.uint16)
    png = target / f"{source.stem}.png"
    cv2.imwrite(str(png), srgb16[..., ::-1])
    return png
