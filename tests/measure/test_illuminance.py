import numpy as np
import pytest

from darkroom.measure.illuminance import illuminance_corrected
from darkroom.measure.mse import mse


def planes(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.05, 0.6, (6, 8, 4)).astype(np.float32)


def test_a_result_of_another_brightness_becomes_the_truth() -> None:
    truth = planes()
    assert illuminance_corrected(truth, truth * np.float32(0.7)) == pytest.approx(truth, abs=1e-6)


def test_no_factor_is_better() -> None:
    truth = planes()
    result = np.clip(truth * 0.8 + np.random.default_rng(1).normal(0, 0.02, truth.shape), 0, 1)
    corrected = illuminance_corrected(truth, result.astype(np.float32))
    best = mse(truth, corrected)
    assert best < mse(truth, corrected * 1.01)
    assert best < mse(truth, corrected * 0.99)


def test_white_does_not_count() -> None:
    truth, result = planes(), planes() * np.float32(0.5)
    truth[:3], result[:3] = 1, 0.9
    assert illuminance_corrected(truth, result)[3:] == pytest.approx(truth[3:], abs=1e-6)


def test_what_lies_outside_is_cut_first() -> None:
    truth = np.array([0.5, 0.5], np.float32)
    assert illuminance_corrected(truth, np.array([-3, 1], np.float32)).tolist() == [0.0, 0.5]


def test_nothing_to_measure_changes_nothing() -> None:
    black = np.zeros((2, 2, 4), np.float32)
    assert illuminance_corrected(planes()[:2, :2], black).tolist() == black.tolist()
    assert illuminance_corrected(black + 1, black + 0.5).tolist() == (black + 0.5).tolist()


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="shape"):
        illuminance_corrected(planes(), planes()[1:])
