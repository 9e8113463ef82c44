from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.libraw_picture import libraw_picture
from darkroom.errors import FileProblem
from darkroom.picture.tone import libraw
from tests.learning.pair_files import colours, write_frame


def test_a_grey_frame_gets_librawes_curve(tmp_path: Path) -> None:
    grey = np.full((3, 48, 64), 0.2, np.float32)
    picture = libraw_picture(write_frame(tmp_path / "a.dng", grey, shot=0, read=0))
    assert (picture.shape, picture.dtype) == ((48, 64, 3), np.uint16)
    assert picture[8:-8, 8:-8] / 65535 == pytest.approx(float(libraw(0.2)), abs=0.01)


def test_nothing_is_brightened(tmp_path: Path) -> None:
    linear = colours((48, 64), top=0.3)
    means = [
        libraw_picture(write_frame(tmp_path / f"{n}.dng", linear, ratio=n)).mean() for n in (1, 4)
    ]
    assert means[1] < 0.6 * means[0]


def test_a_bad_file_is_a_problem_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.dng").write_bytes(b"II*\0nothing")
    for name in ("a.dng", "gone.dng"):
        with pytest.raises(FileProblem):
            libraw_picture(tmp_path / name)
