import dataclasses

import numpy as np
import pytest

from darkroom.camera.raw import Exposure, NoiseLevel, RawImage

LEVEL = NoiseLevel((1e-4, 2e-4, 3e-4, 2e-4), (1e-7, 2e-7, 3e-7, 2e-7))
GAINS = (2.0, 1.0, 1.5, 1.0)


def frame(**changes) -> RawImage:
    values = {
        "mosaic": np.zeros((4, 4), np.uint16),
        "phase": "RGGB",
        "black": (0.0,) * 4,
        "white": 1023.0,
        "white_balance": (1.0, 1.0, 1.0),
        "xyz_to_camera": np.eye(3),
    }
    return RawImage(**(values | changes))


def test_light_grows_with_time_and_iso_and_falls_with_the_aperture_squared():
    assert Exposure(0.1, 100, 2.0).light == pytest.approx(2.5)
    assert Exposure(0.2, 200, 4.0).light == pytest.approx(2.5)
    assert Exposure(0.1, 100).light == pytest.approx(10)


@pytest.mark.parametrize("exposure", [Exposure(None, 100), Exposure(0.1, None), Exposure()])
def test_light_is_unknown_without_shutter_or_iso(exposure):
    assert exposure.light is None


def test_amplified_noise_is_the_noise_of_the_amplified_signal():
    signal = 0.3
    louder = LEVEL.amplified(GAINS)
    for plane, gain in enumerate(GAINS):
        before = LEVEL.shot[plane] * signal + LEVEL.read[plane]
        after = louder.shot[plane] * (gain * signal) + louder.read[plane]
        assert after == pytest.approx(gain**2 * before)


def test_scaling_multiplies_the_standard_deviation():
    twice = LEVEL.scaled(2.0)
    assert twice.shot == pytest.approx(tuple(4 * value for value in LEVEL.shot))
    assert twice.read == pytest.approx(tuple(4 * value for value in LEVEL.read))


def test_camera_joins_maker_and_model_once():
    assert frame(make="SONY", model="ILCE-7SM2").camera == "SONY ILCE-7SM2"
    assert frame(make="Canon", model="Canon EOS 6D").camera == "Canon EOS 6D"
    assert frame().camera == "unknown camera"


def test_a_frame_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame().white = 1.0
