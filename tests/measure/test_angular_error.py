import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.measure.angular_error import STRIP, angles, angular_error

levels = st.integers(0, 255).map(lambda level: level / 255)
colours = st.tuples(levels, levels, levels)


def pictures(shape: tuple[int, int] = (20, 30)) -> tuple[np.ndarray, np.ndarray]:
    truth, result = np.random.default_rng(0).random((2, *shape, 3), np.float32)
    return truth, result


def test_known_angles() -> None:
    red, yellow, white = [1.0, 0, 0], [1.0, 1, 0], [1.0, 1, 1]
    assert angles(red, yellow) == pytest.approx(45)
    assert angles(red, white) == pytest.approx(np.degrees(np.arccos(1 / np.sqrt(3))))
    assert angular_error([[red, red]], [[red, yellow]]) == pytest.approx(22.5)


def test_it_is_the_arccos_of_the_paper() -> None:
    truth, result = (picture.astype(np.float64) for picture in pictures())
    norms = np.linalg.norm(truth, axis=-1) * np.linalg.norm(result, axis=-1)
    expected = np.degrees(np.arccos((truth * result).sum(-1) / norms)).mean()
    assert angular_error(truth, result) == pytest.approx(expected, rel=1e-6)


@given(colours, colours)
def test_it_is_symmetric_and_at_most_a_right_angle(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    angle = float(angles(one, other))
    assert angle == float(angles(other, one))
    assert 0 <= angle <= 90


@given(colours)
def test_brightness_makes_no_angle(colour: tuple[float, ...]) -> None:
    assert float(angles(colour, np.multiply(colour, 0.25))) == 0
    assert angular_error([[colour]], [[colour]]) == 0


def test_black_counts_as_grey() -> None:
    black, grey, red = [0.0, 0, 0], [0.4, 0.4, 0.4], [0.5, 0, 0]
    assert angles(black, black) == 0
    assert angles(black, grey) == 0
    assert angles(black, red) == angles(grey, red) == angles(red, black) > 50


def test_strips_make_no_difference() -> None:
    truth, result = pictures((2 * STRIP + 3, 4))
    assert angular_error(truth, result) == pytest.approx(angles(truth, result).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("truth", "result"),
    [((4, 5, 3), (5, 4, 3)), ((4, 5), (4, 5)), ((0, 5, 3), (0, 5, 3)), ((), ())],
)
def test_other_shapes_are_refused(truth: tuple[int, ...], result: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        angular_error(np.zeros(truth), np.zeros(result))
