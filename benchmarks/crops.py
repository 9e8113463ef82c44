"""Put 1:1 crops of dark frames side by side: LibRaw AHD, LibRaw + NLM, darkroom, truth.

    python benchmarks/crops.py PICTURE [PICTURE ...] -o crops.jpg [--condition CAMERA:ISO:RATIO]

Each row is one picture. The NLM strength is the one with the best PSNR for that picture.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from dark_frames import (
    NLM_STRENGTHS,
    Srgb,
    by_darkroom,
    dark_frames,
    enhancer_for,
    libraw_ahd,
    non_local_means,
)
from quality import parse_condition

from darkroom.measure.psnr import psnr

SIZE = 256


def crop(picture: Srgb) -> Srgb:
    """Return the middle of a picture."""
    top, left = ((size - SIZE) // 2 for size in picture.shape[:2])
    return picture[top : top + SIZE, left : left + SIZE]


def main() -> None:
    """Develop every picture in every way and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--condition", type=parse_condition, default="sony-a7s2:3200:100")
    parser.add_argument("--model", default="fast-unet")
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    ratio = options.condition.ratio
    darkroom = by_darkroom(enhancer_for(options.model, ratio))
    rows = []
    for truth, dng in dark_frames(options.pictures, options.condition):
        smoothed = [non_local_means(*strength)(dng, ratio) for strength in NLM_STRENGTHS]
        best = max(smoothed, key=lambda picture: psnr(truth, picture))
        columns = (libraw_ahd(dng, ratio), best, darkroom(dng, ratio), truth)
        rows.append(np.hstack([crop(picture) for picture in columns]))
    sheet = np.rint(np.vstack(rows)[..., ::-1] * 255).astype(np.uint8)
    cv2.imwrite(str(options.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 92])


if __name__ == "__main__":
    main()
