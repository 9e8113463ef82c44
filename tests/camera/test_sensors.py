from dataclasses import replace

import numpy as np
import pytest

from darkroom.camera.calibration import to_json
from darkroom.camera.sensors import (
    SENSORS,
    find_sensor,
    gain,
    noise_level_of,
    read_noise,
    sensor_of,
)
from darkroom.errors import UsageProblem
from tests.calibration_frames import calibration, row

EVERY_CAMERA = pytest.mark.parametrize("name", SENSORS)
ISOS = (100, 200, 400, 800, 1600, 3200, 6400, 12800)


@EVERY_CAMERA
def test_gain_and_shot_noise_follow_the_iso(name):
    sensor = SENSORS[name]
    gains = [gain(sensor, iso) for iso in ISOS]
    assert np.all(np.diff(gains) > 0)
    assert gains[-1] / gains[0] == pytest.approx(128, rel=0.15)


@EVERY_CAMERA
def test_read_noise_in_electrons_falls_towards_high_iso(name):
    sensor = SENSORS[name]
    electrons = [read_noise(sensor, iso).sigma / gain(sensor, iso) for iso in (100, 12800)]
    assert 0.3 < electrons[1] < electrons[0] < 40


@EVERY_CAMERA
def test_both_fits_of_the_read_noise_have_one_deviation(name):
    # The deviation of a Tukey-lambda distribution, from its variance (Joiner & Rosenblatt 1971).
    noise = read_noise(SENSORS[name], 1600)
    u = (np.arange(200_000) + 0.5) / 200_000
    shape = noise.tukey_lambda
    quantiles = np.log(u / (1 - u)) if abs(shape) < 1e-3 else (u**shape - (1 - u) ** shape) / shape
    assert noise.tukey_scale * quantiles.std() == pytest.approx(noise.sigma, rel=0.35)


def test_measured_isos_come_back_and_others_lie_between():
    sensor = SENSORS["sony-a7s2"]
    assert read_noise(sensor, 12800).sigma == pytest.approx(14.246)
    assert 3.919 < read_noise(sensor, 5000).sigma < 7.116
    assert read_noise(sensor, 2000).sigma < read_noise(sensor, 1600).sigma  # the second gain


@EVERY_CAMERA
def test_the_line_holds_every_part_of_the_noise(name):
    sensor, level = SENSORS[name], noise_level_of(SENSORS[name], 800)
    noise = read_noise(sensor, 800)
    assert level.shot[0] * sensor.span == pytest.approx(gain(sensor, 800))
    deviation = np.sqrt(level.read[0]) * sensor.span
    assert deviation > np.hypot(noise.sigma, noise.row_sigma)


@EVERY_CAMERA
def test_matrices_see_white_with_every_channel(name):
    matrix = np.array(SENSORS[name].xyz_to_camera)
    assert (matrix @ [0.9505, 1.0, 1.089] > 0.2).all()


def test_an_unknown_camera_lists_the_known_ones():
    with pytest.raises(UsageProblem, match="nikon-d850"):
        find_sensor("pinhole")


def test_noise_goes_on_growing_past_the_table():
    sensor = SENSORS["sony-a7s2"]
    assert read_noise(sensor, 102400).sigma == pytest.approx(4 * read_noise(sensor, 25600).sigma)


def test_a_measured_camera_has_its_measured_gains():
    sensor = sensor_of(calibration())
    gains = {iso: gain(sensor, iso) for iso in (100, 400, 800, 1600, 6400, 25600)}
    assert list(gains.values()) == sorted(gains.values())
    assert (gains[400], gains[1600], gains[6400]) == pytest.approx((0.5, 2.2, 8.0))
    assert gains[800] == pytest.approx(np.sqrt(0.5 * 2.2))  # half way on logarithmic scales
    assert (gains[100], gains[25600]) == pytest.approx((0.125, 32))
    assert read_noise(sensor, 1600).sigma == 4
    assert (sensor.black, sensor.white, sensor.daylight) == (512, 16383, (2.0, 1.5))


def test_isos_without_a_gain_lie_between_the_others():
    rows = (row(100, gain=None), row(200, gain=1.0), row(400, gain=None), row(800, gain=4.0))
    sensor = sensor_of(replace(calibration(), rows=rows))
    assert [gain(sensor, iso) for iso in (100, 400, 1600)] == pytest.approx([0.5, 2, 8])


def test_noise_too_small_to_measure_can_be_simulated():
    still = replace(row(400, gain=1.0), row_sigma=0.0, tukey_scale=0.0)
    noise = read_noise(sensor_of(replace(calibration(), rows=(still,))), 400)
    assert 0 < noise.row_sigma < 0.01


def test_a_calibration_file_is_a_camera(tmp_path):
    path = tmp_path / "night.JSON"
    path.write_bytes(to_json(calibration()))
    assert find_sensor(str(path)) == sensor_of(calibration())
    with pytest.raises(UsageProblem, match="cannot be read"):
        find_sensor("gone.json")
