import numpy as np
import pytest

from darkroom.measure.ssim import C1, C2, TILE, ssim
from darkroom.measure.ssim_volume import channel_window, ssim_volume


def pair(*shape, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    truth = 0.5 + 0.4 * np.sin(np.linspace(0, 9, shape[1]))[None, :, None] * np.ones(shape)
    return truth, np.clip(truth + noise * rng.standard_normal(shape), 0, 1)


def direct(truth, result):
    """The definition, one place at a time: a window of 11 x 11 x 11 on repeated edges."""
    offset = np.arange(11) - 5
    bell = np.exp(-(offset**2) / (2 * 1.5**2))
    window = bell[:, None, None] * bell[:, None] * bell
    window /= window.sum()
    x, y = (np.pad(picture, 5, "edge") for picture in (truth, result))
    values = []
    for place in np.ndindex(truth.shape):
        cell = tuple(slice(start, start + 11) for start in place)
        mx, my = (window * x[cell]).sum(), (window * y[cell]).sum()
        vx, vy = (window * x[cell] ** 2).sum() - mx**2, (window * y[cell] ** 2).sum() - my**2
        covariance = (window * x[cell] * y[cell]).sum() - mx * my
        luminance = (2 * mx * my + C1) / (mx**2 + my**2 + C1)
        values.append(luminance * (2 * covariance + C2) / (vx + vy + C2))
    return np.mean(values)


@pytest.mark.parametrize("shape", [(9, 8, 3), (4, 12, 4)])
def test_equals_the_definition(shape):
    truth, result = pair(*shape)
    assert ssim_volume(truth, result) == pytest.approx(direct(truth, result), abs=1e-12)


def test_tiles_make_no_difference():
    truth, result = pair(TILE + 9, 20, 3, seed=1)
    ndimage = pytest.importorskip("scipy.ndimage")

    def blur(picture):
        return ndimage.gaussian_filter(picture, 1.5, mode="nearest", radius=5)

    mx, my, both = blur(truth), blur(result), blur(truth * result)
    squares = blur(truth**2 + result**2)
    product, means = mx * my, mx**2 + my**2
    expected = (2 * product + C1) * (2 * (both - product) + C2)
    expected /= (means + C1) * (squares - means + C2)
    assert ssim_volume(truth, result) == pytest.approx(expected.mean(), abs=1e-10)


def test_equal_pictures_score_1_and_more_noise_less():
    truth, _ = pair(30, 40, 3)
    assert ssim_volume(truth, truth.copy()) == pytest.approx(1, abs=1e-12)
    scores = [ssim_volume(*pair(30, 40, 3, noise=noise)) for noise in (0.01, 0.05, 0.2)]
    assert scores == sorted(scores, reverse=True)


def test_equal_channels_are_one():
    truth, result = pair(20, 30, 1)
    alone = ssim_volume(truth, result)
    assert ssim_volume(truth.repeat(3, -1), result.repeat(3, -1)) == pytest.approx(alone, abs=1e-9)


def test_colours_are_a_direction_of_their_own():
    truth, result = pair(30, 30, 3)
    assert abs(ssim_volume(truth, result) - ssim(truth, result)) > 1e-3
    turned = [picture[..., [1, 0, 2]] for picture in (truth, result)]
    assert ssim_volume(*turned) != pytest.approx(ssim_volume(truth, result), abs=1e-9)


def test_the_window_of_channels_weighs_1():
    for channels in (1, 3, 4, 20):
        assert channel_window(channels).sum(axis=1) == pytest.approx(np.ones(channels))


@pytest.mark.parametrize("shapes", [((4, 4, 3), (4, 5, 3)), ((4, 4), (4, 4)), ((0, 4, 3),) * 2])
def test_wrong_shapes_are_refused(shapes):
    with pytest.raises(ValueError, match="shape"):
        ssim_volume(np.zeros(shapes[0]), np.zeros(shapes[1]))
