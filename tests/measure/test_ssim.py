import numpy as np
import pytest

from darkroom.measure.ssim import BLOCK, GAUSSIAN, TILE, UNIFORM, gaussian, ssim, window_matrix


def pair(*shape, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    columns = np.linspace(0, 9, shape[1]).reshape(1, -1, *[1] * (len(shape) - 2))
    truth = 0.5 + 0.4 * np.sin(columns) * np.ones(shape)
    return truth, np.clip(truth + noise * rng.standard_normal(shape), 0, 1)


def direct(truth, result):
    """Equation 13 of the paper, one window at a time."""
    offset = np.arange(11) - 5
    window = np.exp(-(offset[:, None] ** 2 + offset**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row, column in np.ndindex(truth.shape[0] - 10, truth.shape[1] - 10):
        x = truth[row : row + 11, column : column + 11]
        y = result[row : row + 11, column : column + 11]
        mx, my = (window * x).sum(), (window * y).sum()
        vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
        covariance = (window * (x - mx) * (y - my)).sum()
        luminance = (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4)
        values.append(luminance * (2 * covariance + 9e-4) / (vx + vy + 9e-4))
    return np.mean(values)


def test_equal_pictures_score_1():
    truth, _ = pair(40, 50, 3)
    assert ssim(truth, truth.copy()) == pytest.approx(1, abs=1e-12)


def test_equals_the_definition():
    truth, result = pair(23, 31)
    assert ssim(truth, result) == pytest.approx(direct(truth, result), abs=1e-12)


@pytest.mark.parametrize(
    "shape", [(11, 11), (12, 40, 3), (2 * TILE + 17, TILE + 10), (TILE + 10, TILE + 11, 3)]
)
def test_equals_scikit_image(shape):
    metrics = pytest.importorskip("skimage.metrics")
    truth, result = pair(*shape, seed=1)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    axis = -1 if len(shape) == 3 else None
    expected = metrics.structural_similarity(
        truth, result, data_range=1.0, channel_axis=axis, **options
    )
    assert ssim(truth, result) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("shape", [(7, 7), (2 * BLOCK + 11, TILE + 9, 4)])
def test_a_uniform_window_equals_scikit_image_without_options(shape):
    metrics = pytest.importorskip("skimage.metrics")
    truth, result = pair(*shape, seed=1)
    axis = -1 if len(shape) == 3 else None
    expected = metrics.structural_similarity(truth, result, data_range=1.0, channel_axis=axis)
    assert ssim(truth, result, UNIFORM) == pytest.approx(expected, abs=1e-6)


def test_windows_weigh_1_and_are_symmetric():
    for window in (GAUSSIAN, UNIFORM, gaussian(5, 0.7)):
        assert sum(window.weights) == pytest.approx(1)
        assert window.weights == pytest.approx(window.weights[::-1])
        assert window_matrix(20, window).sum(axis=1) == pytest.approx(np.ones(21 - window.size))


def test_more_channels_than_colours_are_welcome():
    truth, result = pair(20, 20, 4)
    channels = [ssim(truth[..., c], result[..., c]) for c in range(4)]
    assert ssim(truth, result) == pytest.approx(np.mean(channels))


def test_float32_pictures_are_compared_in_float64():
    truth, result = pair(40, 40, noise=1e-3)
    single = ssim(truth.astype(np.float32), result.astype(np.float32))
    assert single == pytest.approx(ssim(truth, result), abs=1e-6)


def test_more_noise_scores_less_and_order_does_not_matter():
    scores = [ssim(*pair(60, 60, noise=noise)) for noise in (0.01, 0.05, 0.2)]
    assert scores == sorted(scores, reverse=True)
    truth, result = pair(30, 30)
    assert ssim(truth, result) == pytest.approx(ssim(result, truth), abs=1e-12)


def test_colour_is_the_mean_of_its_channels():
    truth, result = pair(20, 25, 3, seed=2)
    channels = [ssim(truth[..., c], result[..., c]) for c in range(3)]
    assert ssim(truth, result) == pytest.approx(np.mean(channels), abs=1e-12)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((20, 20), (20, 21)), "differ in shape"),
        (((20,), (20,)), r"\(H, W\)"),
        (((10, 50), (10, 50)), "smaller than the 11 x 11 window"),
    ],
)
def test_wrong_shapes_are_refused_in_words(shapes, words):
    with pytest.raises(ValueError, match=words):
        ssim(np.zeros(shapes[0]), np.zeros(shapes[1]))
