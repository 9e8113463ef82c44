import numpy as np
import pytest

from darkroom.picture.assembly import Assembly, visible
from darkroom.picture.render import quantise, quantise_into


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("offset", [(0, 0), (1, 0), (1, 1)])
def test_tiles_make_the_whole_picture(orientation: int, offset: tuple[int, int]) -> None:
    srgb = np.random.default_rng(0).random((3, 24, 32), np.float32)
    rows, columns = 23, 30
    shown = srgb[:, offset[0] : offset[0] + rows, offset[1] : offset[1] + columns]
    assembly = Assembly((rows, columns), offset, orientation, quantise_into)
    for top, bottom in ((0, 8), (8, 20), (20, 24)):
        for left, right in ((0, 30), (30, 32)):
            tile = srgb[:, top:bottom, left:right]
            assembly.add(tile, slice(top, bottom), slice(left, right))
    assert np.array_equal(assembly.upright, quantise(shown, orientation=orientation))


def test_what_is_beyond_the_frame_is_cut() -> None:
    assert visible(slice(6, 10), offset=0, size=8) == (slice(6, 8), slice(0, 2))
