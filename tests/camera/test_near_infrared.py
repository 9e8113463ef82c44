import numpy as np
import pytest

from darkroom.camera.near_infrared import near_infrared
from darkroom.camera.raw import MONO, RawImage


def frame(mosaic: np.ndarray, phase: str = "RGGB") -> RawImage:
    black = (100.0, 200.0, 300.0, 400.0)
    return RawImage(mosaic.astype(np.uint16), phase, black, 1400.0, (2.0, 1.0, 1.5), np.eye(3))


@pytest.mark.parametrize("phase", ["RGGB", "GRBG", "GBRG", "BGGR"])
def test_every_cell_is_the_mean_of_its_levels(phase: str) -> None:
    white = np.full((2, 2), 1400)
    black = np.array([[100, 200], [300, 400]])
    mosaic = np.block([[white, black], [black, (white + black) // 2]])
    grey = near_infrared(frame(mosaic, phase))
    np.testing.assert_allclose(grey, [[1, 0], [0, 0.5]], atol=1e-6)
    assert grey.dtype == np.float32


def test_noise_below_black_stays_negative() -> None:
    assert near_infrared(frame(np.full((2, 2), 50)))[0, 0] < 0


def test_a_monochrome_sensor_keeps_every_pixel() -> None:
    mosaic = np.array([[100, 200, 1400], [850, 400, 850], [1400, 50, 750]])
    grey = near_infrared(frame(mosaic, MONO))
    wanted = [[0, 0, 1], [0.5, 0, 0.5], [1, -0.125, 0.5]]
    np.testing.assert_allclose(grey, wanted, atol=1e-6)
    assert grey.dtype == np.float32


@pytest.mark.parametrize("shape", [(5, 6), (6, 5), (5, 5)])
def test_a_last_row_or_column_without_a_partner_is_left_out(shape: tuple[int, int]) -> None:
    grey = near_infrared(frame(np.full(shape, 900)))
    assert grey.shape == (shape[0] // 2, shape[1] // 2)
