import numpy as np

from darkroom.picture.drawing import FAINT, PAPER
from darkroom.picture.scatter import EDGE, LEVELS, density, draw_scatter, joint_counts


def pictures() -> tuple[np.ndarray, np.ndarray]:
    truth, result = np.random.default_rng(0).random((2, 40, 50, 3), np.float32)
    return truth, result


def test_every_pixel_is_counted_once_a_channel() -> None:
    truth, result = pictures()
    assert joint_counts(truth, result).sum(axis=(1, 2)).tolist() == [2000] * 3
    assert (joint_counts(result, truth) == joint_counts(truth, result).swapaxes(1, 2)).all()


def test_a_level_is_counted_where_it_belongs() -> None:
    truth, result = np.zeros((2, 1, 1, 3), np.float32)
    truth[..., 1], result[..., 1], result[..., 2] = 0.5, 2.0, 10 / 255
    counts = joint_counts(truth, result)
    assert np.argwhere(counts).tolist() == [[0, 0, 0], [1, 255, 128], [2, 10, 0]]


def test_equal_pictures_lie_on_the_diagonal() -> None:
    truth, _ = pictures()
    counts = joint_counts(truth, truth)
    assert (counts[:, ~np.eye(LEVELS, dtype=bool)] == 0).all()
    lit = (density(counts[0]) != PAPER).any(axis=-1)
    assert (lit == np.eye(LEVELS, dtype=bool)[::-1]).all()


def test_the_density_shows_more_as_darker_and_prediction_upward() -> None:
    counts = np.zeros((LEVELS, LEVELS), np.int64)
    counts[255, 0], counts[0, 255] = 1000, 2
    colours = density(counts).astype(int)
    assert colours[0, 0].sum() < colours[-1, -1].sum() < 3 * PAPER
    assert colours[128, 128].tolist() == [PAPER] * 3
    assert colours[-1, 0].tolist() == [FAINT] * 3


def test_nothing_counted_is_an_empty_plot() -> None:
    colours = density(np.zeros((LEVELS, LEVELS), np.int64))
    assert set(np.unique(colours)) == {FAINT, PAPER}


def test_the_plot_has_three_panels() -> None:
    plot = draw_scatter(joint_counts(*pictures()), "model")
    rows, columns, _ = plot.shape
    assert plot.dtype == np.uint8
    assert rows > LEVELS * EDGE
    assert columns > 3 * LEVELS * EDGE
    for panel in np.array_split(plot, 3, axis=1):
        assert (panel < PAPER).any()
