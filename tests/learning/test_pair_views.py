import numpy as np
import pytest

from darkroom.camera.bayer import pack
from darkroom.learning.pair_views import View, cut_picture, cut_planes, random_view

ONES, ZEROS = np.ones(4), np.zeros(4)
EVERY_TURN = pytest.mark.parametrize("flips", list(np.ndindex(2, 2, 2)))


def numbered(rows: int = 20, columns: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture without two equal values, and the planes of its mosaic."""
    picture = np.arange(3 * rows * columns, dtype=np.uint16).reshape(3, rows, columns)
    mosaic = picture[1].copy()
    mosaic[0::2, 0::2] = picture[0, 0::2, 0::2]
    mosaic[1::2, 1::2] = picture[2, 1::2, 1::2]
    return picture, pack(mosaic)


@EVERY_TURN
def test_turned_planes_stay_the_mosaic_of_the_turned_picture(flips: tuple[int, ...]) -> None:
    picture, planes = numbered()
    view = View(2, 3, 6, *map(bool, flips))
    cut = cut_picture(picture, view, 1)
    red, green, blue, green2 = cut_planes(planes, view, ZEROS, ONES)
    assert cut.shape == (3, 12, 12)
    assert np.array_equal(red, cut[0, 0::2, 0::2])
    assert np.array_equal(green, cut[1, 0::2, 1::2])
    assert np.array_equal(blue, cut[2, 1::2, 1::2])
    assert np.array_equal(green2, cut[1, 1::2, 0::2])


def test_every_turn_looks_different() -> None:
    picture, _ = numbered()
    cuts = {cut_picture(picture, View(2, 2, 4, *turn), 1).tobytes() for turn in np.ndindex(2, 2, 2)}
    assert len(cuts) == 8


def test_black_and_scale_belong_to_their_plane() -> None:
    planes = np.full((4, 6, 6), 600, np.uint16)
    for transpose, order in ((False, [0, 1, 2, 3]), (True, [0, 3, 2, 1])):
        view = View(0, 0, 6, transpose=transpose)
        cut = cut_planes(planes, view, np.array([500.0, 610, 580, 600]), np.array([1.0, 2, 3, 4]))
        assert cut[:, 0, 0].tolist() == np.array([100, -20, 60, 0])[order].tolist()


def test_views_stay_inside_and_reach_every_edge() -> None:
    rng = np.random.default_rng(0)
    views = [random_view((4, 10, 8), 6, rng) for _ in range(500)]
    assert all(view.row + 6 + view.flip_rows <= 10 for view in views)
    assert all(view.column + 6 + view.flip_columns <= 8 for view in views)
    assert {view.row for view in views} == set(range(5))
    assert {(v.flip_rows, v.flip_columns, v.transpose) for v in views} == {
        (bool(a), bool(b), bool(c)) for a, b, c in np.ndindex(2, 2, 2)
    }


def test_a_frame_of_just_one_patch_is_not_flipped() -> None:
    rng = np.random.default_rng(0)
    views = [random_view((4, 6, 6), 6, rng) for _ in range(50)]
    assert not any(view.flip_rows or view.flip_columns for view in views)
    assert {view.transpose for view in views} == {False, True}
