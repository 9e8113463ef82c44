import cv2
import numpy as np
import pytest

from darkroom.picture import demosaic
from darkroom.picture.demosaic import demosaiced


def mosaic_of(colours: np.ndarray) -> np.ndarray:
    mosaic = colours[1].copy()
    mosaic[0::2, 0::2] = colours[0, 0::2, 0::2]
    mosaic[1::2, 1::2] = colours[2, 1::2, 1::2]
    return mosaic


def drawing(shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """Return coloured discs and lines with soft edges, (3, H, W)."""
    rng = np.random.default_rng(3)
    canvas = np.full((*shape, 3), 0.2, np.float32)
    for _ in range(25):
        centre = rng.integers(0, shape[1], 2).tolist()
        shade = (rng.uniform(0.02, 0.9) * rng.uniform(0.6, 1, 3)).tolist()
        cv2.circle(canvas, centre, int(rng.integers(4, 30)), shade, -1)
    return np.moveaxis(cv2.GaussianBlur(canvas, (0, 0), 0.8), -1, 0)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(first - second).mean()))


def test_flat_colours_come_out_exactly() -> None:
    flat = np.broadcast_to(np.float32([0.5, 0.25, 0.1])[:, None, None], (3, 20, 30))
    assert np.allclose(demosaiced(mosaic_of(flat)), flat, atol=1e-6)


def test_measured_values_are_kept() -> None:
    mosaic = np.random.default_rng(0).uniform(0, 1, (24, 32)).astype(np.float32)
    assert np.allclose(mosaic_of(demosaiced(mosaic)), mosaic, atol=1e-5)


def test_values_below_black_become_black() -> None:
    mosaic = np.random.default_rng(0).normal(0, 0.01, (24, 32)).astype(np.float32)
    assert demosaiced(mosaic).min() >= 0


def test_edges_are_sharper_than_with_straight_interpolation() -> None:
    truth = drawing()
    mosaic = mosaic_of(truth)
    stored = np.rint(mosaic * 65535).astype(np.uint16)
    straight = cv2.demosaicing(stored, cv2.COLOR_BayerBG2RGB) / np.float32(65535)
    inner = np.s_[:, 4:-4, 4:-4]
    found = psnr(demosaiced(mosaic)[inner], truth[inner])
    assert found > psnr(np.moveaxis(straight, -1, 0)[inner], truth[inner]) + 5


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    mosaic = np.random.default_rng(1).uniform(0, 1, (90, 40)).astype(np.float32)
    whole = demosaiced(mosaic)
    monkeypatch.setattr(demosaic, "STRIP", 8)
    assert np.array_equal(demosaiced(mosaic), whole)


def test_turning_the_mosaic_turns_the_picture() -> None:
    mosaic = mosaic_of(drawing((40, 60)))
    turned = demosaiced(np.ascontiguousarray(mosaic.T))
    assert np.allclose(turned, demosaiced(mosaic).transpose(0, 2, 1), atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 2), (2, 8), (4, 4), (6, 130)])
def test_small_mosaics_work(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 0.25, np.float32)
    assert np.allclose(demosaiced(flat), 0.25, atol=1e-6)
