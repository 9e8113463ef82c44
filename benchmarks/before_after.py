"""Draw the before/after picture of the README: as shot, brightened by LibRaw, by darkroom.

python benchmarks/before_after.py examples/dark_coffee.dng docs/before_after.jpg
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from dark_frames import by_darkroom, enhancer_for, libraw_ahd

RATIO = 100.0


def main() -> None:
    """Develop the frame three times and put the pictures side by side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dng", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--model", default="fast-unet")
    parser.add_argument("--width", type=int, default=400, help="columns from the middle of each")
    options = parser.parse_args()
    pictures = (
        libraw_ahd(options.dng, 1.0),
        libraw_ahd(options.dng, RATIO),
        by_darkroom(enhancer_for(options.model, RATIO))(options.dng, RATIO),
    )
    left = (pictures[0].shape[1] - options.width) // 2
    strip = np.hstack([picture[:, left : left + options.width] for picture in pictures])
    srgb8 = np.rint(strip[..., ::-1] * 255).astype(np.uint8)
    cv2.imwrite(str(options.picture), srgb8, [cv2.IMWRITE_JPEG_QUALITY, 92])


if __name__ == "__main__":
    main()
