"""What the tests of the camera room share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.raw_files import noisy_mosaic, write_dng


@pytest.fixture
def dng(tmp_path: Path) -> Callable[..., Path]:
    """Write a DNG of random counts; options as in `raw_files.dng_bytes`."""

    def write(name: str = "frame.dng", mosaic=None, **options: object) -> Path:
        counts = noisy_mosaic() if mosaic is None else mosaic
        return write_dng(tmp_path / name, counts, **options)

    return write
