import numpy as np
import pytest

from darkroom.picture.guided_filter import STRIP, guided_filter, guided_lines


def window_mean(picture, radius):
    """The mean over each window inside the picture, one pixel at a time."""
    means = np.empty(picture.shape)
    for row, column in np.ndindex(*picture.shape):
        top, left = max(row - radius, 0), max(column - radius, 0)
        means[row, column] = picture[top : row + radius + 1, left : column + radius + 1].mean()
    return means


def direct(guide, source, radius, eps):
    """Algorithm 1 of the paper, in float64; the guide centred to keep its variance exact."""
    guide, source = guide.astype(np.float64), source.astype(np.float64)
    guide = guide - guide.mean()
    mean_guide, mean_source = window_mean(guide, radius), window_mean(source, radius)
    covariance = window_mean(guide * source, radius) - mean_guide * mean_source
    variance = window_mean(guide * guide, radius) - mean_guide * mean_guide
    a = covariance / (variance + eps)
    b = mean_source - a * mean_guide
    return window_mean(a, radius) * guide + window_mean(b, radius)


def pictures(rows, columns, seed=0):
    """A guide with edges, texture and a flat bright part, and a noisy source."""
    rng = np.random.default_rng(seed)
    guide = 0.9 + 1e-3 * rng.standard_normal((rows, columns))
    guide[:, : columns // 2] = rng.random((rows, columns // 2))
    source = guide + 0.1 * rng.standard_normal((rows, columns))
    return guide.astype(np.float32), source.astype(np.float32)


@pytest.mark.parametrize("eps", [1e-5, 1e-3, 1e-1])
@pytest.mark.parametrize("radius", [1, 5])
def test_equals_the_definition(radius, eps):
    guide, source = pictures(31, 26)
    filtered = guided_filter(guide, source, radius=radius, eps=eps)
    assert filtered.dtype == np.float32
    np.testing.assert_allclose(filtered, direct(guide, source, radius, eps), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (7, 7)])
def test_a_picture_smaller_than_the_window_works(shape):
    guide, source = pictures(*shape)
    filtered = guided_filter(guide, source, radius=8, eps=1e-3)
    np.testing.assert_allclose(filtered, direct(guide, source, 8, 1e-3), atol=1e-6)


def test_values_far_above_white_keep_their_precision():
    guide, source = pictures(20, 20)
    filtered = guided_filter(guide + 300, source, radius=3, eps=1e-5)
    np.testing.assert_allclose(filtered, direct(guide + 300, source, 3, 1e-5), atol=1e-4)


def test_strips_do_not_show():
    guide, source = pictures(2 * STRIP + 9, 6, seed=1)
    filtered = guided_filter(guide, source, radius=20, eps=1e-2)
    np.testing.assert_allclose(filtered, direct(guide, source, 20, 1e-2), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_channels_are_filtered_one_by_one(channels):
    guide, _ = pictures(14, 17)
    source = np.random.default_rng(4).random((14, 17, channels), dtype=np.float32)
    together = guided_filter(guide, source, radius=2, eps=1e-3)
    for channel in range(channels):
        alone = guided_filter(guide, source[..., channel], radius=2, eps=1e-3)
        np.testing.assert_allclose(together[..., channel], alone, atol=1e-7)


def test_a_straight_line_over_the_guide_is_kept():
    guide, _ = pictures(20, 30)
    line = 3 * guide - 0.5
    np.testing.assert_allclose(guided_filter(guide, line, radius=4, eps=1e-9), line, atol=1e-3)


def test_noise_goes_and_the_guides_edge_stays():
    edge = np.repeat(np.float32([0.2, 0.8]), 20)[None].repeat(40, axis=0)
    noisy = edge + 0.05 * np.random.default_rng(5).standard_normal(edge.shape).astype(np.float32)
    filtered = guided_filter(edge, noisy, radius=5, eps=1e-3)
    assert np.std(filtered - edge) < 0.2 * np.std(noisy - edge)
    step = filtered[:, 20].mean() - filtered[:, 19].mean()
    assert step == pytest.approx(0.6, abs=0.03)


def test_a_flat_guide_blurs():
    _, source = pictures(30, 30)
    flat = np.full((30, 30), 0.5, np.float32)
    blurred = guided_filter(flat, source, radius=3, eps=1e-4)
    expected = window_mean(window_mean(source.astype(np.float64), 3), 3)
    np.testing.assert_allclose(blurred, expected, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"radius": 0}, {"radius": -3}, {"eps": 0.0}, {"eps": -1.0}])
def test_parameters_out_of_range_are_refused(wrong):
    guide, source = pictures(5, 5)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        guided_filter(guide, source, **{"radius": 1, "eps": 1e-3, **wrong})


def test_shapes_that_do_not_belong_together_are_refused():
    guide, source = pictures(5, 6)
    with pytest.raises(ValueError, match=r"\(5, 6\) with \(6, 5\)"):
        guided_filter(guide, source.T, radius=1, eps=1e-3)
    with pytest.raises(ValueError, match="guide"):
        guided_filter(np.stack([guide] * 3, -1), source, radius=1, eps=1e-3)


def test_a_radius_beyond_the_picture_costs_no_more_than_the_picture():
    picture = np.random.default_rng(0).random((20, 30), np.float32)
    widest, beyond = (guided_filter(picture, picture, radius=r, eps=1e-3) for r in (30, 10**6))
    np.testing.assert_array_equal(widest, beyond)


@pytest.mark.parametrize("radius", [1, 5, 100])
def test_the_lines_are_those_that_the_filter_follows(radius):
    guide, _ = pictures(2 * STRIP + 9, 17)
    source = np.random.default_rng(4).random((3, *guide.shape), dtype=np.float32)
    slopes, offsets = np.split(guided_lines(guide, source, radius=radius, eps=1e-3), 2)
    filtered = guided_filter(guide, np.moveaxis(source, 0, -1), radius=radius, eps=1e-3)
    np.testing.assert_allclose(slopes * guide + offsets, np.moveaxis(filtered, -1, 0), atol=1e-5)
