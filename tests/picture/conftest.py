"""Pictures and metadata that the tests of this room share."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata

Pixels = npt.NDArray[np.uint16]


@pytest.fixture
def photo() -> Callable[[int, int], Pixels]:
    """Return a maker of 16-bit pictures: slopes with noise, and the two extreme values."""

    def make(rows: int, columns: int) -> Pixels:
        rng = np.random.default_rng(rows * columns)
        slope = np.linspace(0, 50000, columns) + np.linspace(0, 10000, rows)[:, None]
        pixels = slope[..., None] + rng.normal(0, 300, (rows, columns, 3))
        pixels[0, 0], pixels[-1, -1] = 65535, 0
        return pixels.clip(0, 65535).astype(np.uint16)

    return make


@pytest.fixture
def full_metadata() -> PictureMetadata:
    """Return what a camera with a GPS receiver would have said, with an sRGB profile."""
    entries = (
        ("image", 271, 2, "Maker"),
        ("image", 272, 2, "Model 7"),
        ("image", 274, 3, (6,)),
        ("image", 306, 2, "2024:05:06 07:08:09"),
        ("image", 33432, 2, "© Zoë"),
        ("exif", 33434, 5, (1, 30)),
        ("exif", 33437, 5, (28, 10)),
        ("exif", 34855, 3, (1600,)),
        ("exif", 36867, 2, "2024:05:06 07:08:09"),
        ("exif", 37386, 5, (35, 1)),
        ("exif", 37500, 7, b"private maker note"),
        ("exif", 42036, 2, "35mm F1.4"),
        ("gps", 1, 2, "N"),
        ("gps", 2, 5, (52, 1, 30, 1, 0, 1)),
        ("gps", 3, 2, "E"),
        ("gps", 4, 5, (13, 1, 24, 1, 0, 1)),
    )
    return PictureMetadata(entries, icc_profile("srgb"), "darkroom 1.2.3")


@pytest.fixture
def exiftool_warnings() -> Callable[[Path], set[str]]:
    """Return a function that lists what `exiftool -validate` says against a file."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")

    def run(path: Path) -> set[str]:
        command = ["exiftool", "-validate", "-warning", "-error", "-a", "-s3", str(path)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {line for line in lines.splitlines()[1:] if line}

    return run
