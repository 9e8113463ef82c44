import numpy as np
import pytest

from darkroom.picture import detail
from darkroom.picture.detail import followed, with_detail
from darkroom.picture.guided_filter import GuidedFilter, guided_filter
from darkroom.picture.resampling import enlarged, shrunk

SETTINGS = GuidedFilter(radius=5, eps=1e-5)


def scene(rows: int = 96, columns: int = 128) -> np.ndarray:
    """A grey picture with an edge and texture."""
    rng = np.random.default_rng(0)
    guide = 0.3 + 0.4 * (np.arange(columns) > columns / 3) + 0.2 * rng.random((rows, columns))
    return guide.astype(np.float32)


def coloured(guide: np.ndarray) -> np.ndarray:
    gains, offsets = np.float32([0.8, 0.5, 0.3]), np.float32([0.1, 0.0, 0.2])
    return gains[:, None, None] * guide + offsets[:, None, None]


def test_a_small_picture_of_the_same_size_is_filtered_exactly() -> None:
    guide = scene()
    noisy = coloured(guide) + 0.05 * np.random.default_rng(1).random((3, 96, 128), np.float32)
    exact = guided_filter(guide, np.moveaxis(noisy, 0, -1), radius=5, eps=1e-5)
    np.testing.assert_array_equal(with_detail(noisy, guide, SETTINGS), np.moveaxis(exact, -1, 0))


@pytest.mark.parametrize("shape", [(12, 16), (37, 49), (95, 127)])
def test_a_straight_line_over_the_guide_comes_back_at_full_size(shape: tuple[int, int]) -> None:
    guide = scene()
    small = shrunk(coloured(guide), shape)
    full = with_detail(small, guide, GuidedFilter(radius=5, eps=1e-7))
    assert full.shape == (3, 96, 128)
    assert full.dtype == np.float32
    np.testing.assert_allclose(full, coloured(guide), atol=0.02)
    assert np.abs(enlarged(small, (96, 128)) - coloured(guide)).mean() > 0.01


def test_large_pictures_are_fitted_at_a_smaller_size(monkeypatch: pytest.MonkeyPatch) -> None:
    guide = scene(200, 240)
    noise = 0.1 * np.random.default_rng(1).standard_normal((3, 200, 240)).astype(np.float32)
    exact = with_detail(coloured(guide) + noise, guide, SETTINGS)
    monkeypatch.setattr(detail, "MOST_FITTED", 100 * 120)
    fast = with_detail(coloured(guide) + noise, guide, SETTINGS)
    assert fast.shape == exact.shape
    assert np.abs(fast - exact).mean() < 0.02
    assert np.abs(fast - coloured(guide)).mean() < 0.5 * np.abs(noise).mean()


def test_strips_do_not_show() -> None:
    guide = scene(101, 57)
    lines = np.random.default_rng(2).random((4, 11, 7), np.float32)
    whole = enlarged(lines, (101, 57))
    np.testing.assert_allclose(followed(lines, guide), whole[:2] * guide + whole[2:], atol=1e-6)


def test_one_channel_and_one_pixel_work() -> None:
    guide = scene()
    assert with_detail(np.full((1, 1, 1), 0.5, np.float32), guide, SETTINGS).shape == (1, 96, 128)
