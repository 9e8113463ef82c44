from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.learning.scenes import Scene


def soft_picture(seed: int, size: tuple[int, int] = (96, 128)) -> np.ndarray:
    """Return a smooth random sRGB picture, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (6, 8, 3)).astype(np.float32)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 255).astype("u1")


@pytest.fixture
def scenes() -> list[Scene]:
    """Six clean photographs."""
    return [Scene(f"photo{seed}.png", soft_picture(seed)) for seed in range(6)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with six clean photographs and a broken one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(6):
        cv2.imwrite(str(folder / f"photo{seed}.png"), soft_picture(seed))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder
