import numpy as np
import pytest

from darkroom.picture.comparison import LARGEST, LONGEST, draw_strip, legend, pixels_of, resized
from darkroom.picture.drawing import CAPTION, GAP, false_colours

SHAPE = (30, 40)


def scene(seed: int = 0, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).random((*shape, 3), np.float32)


def part(strip: np.ndarray, place: int, shape: tuple[int, int] = SHAPE) -> np.ndarray:
    """Return the picture at a place of the strip, without its caption."""
    rows, columns = shape
    left = GAP + place * (columns + GAP)
    return strip[GAP + CAPTION : GAP + CAPTION + rows, left : left + columns]


def test_pictures_and_map_stand_in_their_order() -> None:
    one, other = scene(0), scene(1)
    differences = np.full(SHAPE, LARGEST / 2, np.float32)
    strip = draw_strip([("one", one), ("other", other)], differences)
    assert (part(strip, 0) == pixels_of(one)).all()
    assert (part(strip, 1) == pixels_of(other)).all()
    assert (part(strip, 2) == false_colours([[0.5]])).all()


def test_no_difference_has_the_lowest_colour_and_large_ones_the_highest() -> None:
    for difference, share in ((0.0, 0.0), (LARGEST, 1.0), (3 * LARGEST, 1.0)):
        strip = draw_strip([], np.full(SHAPE, difference, np.float32))
        assert (part(strip, 0) == false_colours([[share]])).all()


def test_large_pictures_are_shrunk_and_small_ones_stay() -> None:
    shape = (20, 2 * LONGEST)
    strip = draw_strip([("a", scene(0, shape))], np.zeros(shape, np.float32))
    assert strip.shape[0] == 10 + CAPTION + 2 * GAP
    assert (
        strip.shape[1]
        == draw_strip([("a", scene(0, (10, LONGEST)))], np.zeros((10, LONGEST), np.float32)).shape[
            1
        ]
    )


def test_a_map_is_shrunk_by_means() -> None:
    differences = np.tile(np.array([0, 20], np.float32), (4, 4))
    assert resized(differences, (4, 2)) == pytest.approx(10)


def test_a_source_of_another_size_fits_in() -> None:
    strip = draw_strip([("half", scene(0, (15, 20))), ("whole", scene())], np.zeros(SHAPE, "f4"))
    assert (part(strip, 1) == pixels_of(scene())).all()


def test_the_legend_runs_upward() -> None:
    bar = legend(100)
    assert (bar[CAPTION, 0] == false_colours([[1.0]])).all()
    assert (bar[-1, 0] == false_colours([[0.0]])).all()
