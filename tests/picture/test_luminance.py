import numpy as np
import pytest

from darkroom.measure.colour_difference import srgb_to_lab
from darkroom.picture.luminance import STRIP, with_luminance


def pastel(rows: int = 2 * STRIP + 3, columns: int = 9) -> np.ndarray:
    """Colours that sRGB can show at any middle lightness."""
    rng = np.random.default_rng(0)
    grey = rng.uniform(0.35, 0.65, (rows, columns))
    return (grey + rng.uniform(-0.03, 0.03, (3, rows, columns))).astype(np.float32)


def lab(srgb: np.ndarray) -> np.ndarray:
    return srgb_to_lab(np.moveaxis(srgb, 0, -1))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_lightness_is_mixed_and_chroma_stays(share: float) -> None:
    srgb = pastel()
    grey = np.random.default_rng(1).uniform(0.35, 0.65, srgb.shape[1:]).astype(np.float32)
    mixed = lab(with_luminance(srgb, grey, share))
    own, other = lab(srgb), lab(np.repeat(grey[None], 3, axis=0))
    wanted = (1 - share) * own[..., 0] + share * other[..., 0]
    np.testing.assert_allclose(mixed[..., 0], wanted, atol=0.005)
    np.testing.assert_allclose(mixed[..., 1:], own[..., 1:], atol=0.01)


def test_shadows_keep_their_greys() -> None:
    dark = np.linspace(0, 0.05, 50, dtype=np.float32)[None, None].repeat(3, axis=0)
    np.testing.assert_allclose(with_luminance(dark, dark[0], 0.5), dark, atol=3e-5)


def test_values_stay_in_range() -> None:
    wild = np.random.default_rng(0).uniform(-0.5, 1.5, (3, 20, 20)).astype(np.float32)
    grey = np.random.default_rng(1).random((20, 20), np.float32)
    mixed = with_luminance(wild, grey, 1.0)
    assert mixed.dtype == np.float32
    assert 0 <= mixed.min() <= mixed.max() <= 1
