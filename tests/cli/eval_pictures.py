"""Small pictures that the tests of `darkroom eval` share."""

from pathlib import Path

import cv2
import numpy as np

SIZE = (64, 80)


def write(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)
    return path


def scene(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return cv2.resize(rng.integers(60, 220, (4, 4, 3), np.uint8), SIZE[::-1])


def write_truths(folder: Path) -> Path:
    for seed in range(2):
        write(folder / f"t{seed}.png", scene(seed))
    return folder
