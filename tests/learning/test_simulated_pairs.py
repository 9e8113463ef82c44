from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.calibration import to_json
from darkroom.camera.raw import NoiseLevel
from darkroom.errors import UsageProblem
from darkroom.learning.config import NoiseSection
from darkroom.learning.scenes import Scene
from darkroom.learning.simulated_pairs import (
    BRIGHTEST,
    Pair,
    make_pair,
    noise_of,
    random_condition,
    with_flaws,
)
from tests.calibration_frames import calibration

EVERY_CAMERA = NoiseSection(cameras=("sony-a7s2", "nikon-d850", "oppo-reno-10x"))


def draw(scene: Scene, seed: int, noise: NoiseSection = EVERY_CAMERA) -> Pair:
    rng = np.random.default_rng(seed)
    return make_pair(scene, random_condition(noise, rng), noise, size=16, rng=rng)


def test_the_generator_decides_a_pair(scenes: list[Scene]) -> None:
    first, again, other = draw(scenes[0], 3), draw(scenes[0], 3), draw(scenes[0], 4)
    assert np.array_equal(first.planes, again.planes)
    assert not np.array_equal(first.planes, other.planes)


def test_shapes_and_ranges(scenes: list[Scene]) -> None:
    for pair in (draw(scenes[seed % 6], seed) for seed in range(20)):
        assert pair.planes.shape == (4, 16, 16)
        assert pair.truth.shape == (3, 32, 32)
        assert (pair.noise.shape, pair.gains.shape) == ((8,), (4,))
        assert pair.gains[1] == pair.gains[3] == 1
        assert 0 <= pair.truth.min() <= pair.truth.max() <= BRIGHTEST
        assert (pair.noise > 0).all()
        arrays = (pair.planes, pair.truth, pair.noise, pair.gains)
        assert all(array.dtype == np.float32 for array in arrays)
        assert np.allclose(pair.camera_to_srgb.sum(1), 1, atol=1e-4)


@pytest.mark.parametrize(
    ("camera", "iso", "ratio"),
    [("sony-a7s2", 3200, 100), ("canon-70d", 800, 30), ("oppo-reno-10x", 400, 10)],
)
def test_planes_are_truth_plus_the_noise_that_is_told(
    camera: str, iso: float, ratio: float
) -> None:
    grey = Scene("grey.png", np.full((300, 300, 3), 118, np.uint8))
    section = NoiseSection(
        cameras=(camera,), iso=(iso, iso), ratio=(ratio, ratio), level_error=0, black_error=0
    )
    rng = np.random.default_rng(5)
    pair = make_pair(grey, random_condition(section, rng), section, size=144, rng=rng)
    level = NoiseLevel(tuple(pair.noise[:4]), tuple(pair.noise[4:]))
    colours = (pair.truth[0], pair.truth[1], pair.truth[2], pair.truth[1])
    for plane, colour, shot, read in zip(pair.planes, colours, level.shot, level.read, strict=True):
        signal = float(colour.mean())
        expected = float(np.sqrt(shot * signal + read))
        assert float(plane.mean()) == pytest.approx(signal, abs=5 * expected / 144)
        assert float(plane.std()) == pytest.approx(expected, rel=0.1)


def test_noise_grows_with_ratio(scenes: list[Scene]) -> None:
    rng = np.random.default_rng(0)
    dim, dimmer = (
        noise_of(random_condition(NoiseSection(iso=(800, 800), ratio=(r, r)), rng))
        for r in (10.0, 100.0)
    )
    assert dimmer.shot[1] == pytest.approx(10 * dim.shot[1])


def test_raw_frames_keep_their_own_colours() -> None:
    matrix = np.float32([[1.5, -0.3, -0.2], [-0.2, 1.4, -0.2], [0, -0.5, 1.5]])
    frame = Scene("frame.dng", np.full((64, 64, 3), 0.25, np.float16), matrix)
    pair = draw(frame, 0)
    assert np.array_equal(pair.camera_to_srgb, matrix)
    assert np.ptp(pair.truth) == 0


def test_flaws_are_added_where_asked_for(scenes: list[Scene]) -> None:
    flawed = EVERY_CAMERA.model_copy(update={"hot_pixels": 1.0, "dark_shading": 2.0})
    condition = random_condition(EVERY_CAMERA, np.random.default_rng(1))
    counts = np.full((256, 256), 40.0, np.float32)
    plain = with_flaws(counts, condition, EVERY_CAMERA, np.random.default_rng(2))
    worse = with_flaws(counts, condition, flawed, np.random.default_rng(2))
    assert np.ptp(plain) == 0
    assert np.unique(np.rint(worse)).size > 3
    assert worse.max() <= condition.sensor.span + 1


def test_calibrations_are_drawn_like_other_cameras(tmp_path: Path) -> None:
    path = tmp_path / "night.json"
    path.write_bytes(to_json(calibration()))
    section = NoiseSection(cameras=("sony-a7s2",), calibrations=(path,))
    rng = np.random.default_rng(0)
    drawn = [random_condition(section, rng) for _ in range(60)]
    path.unlink()  # it was read once
    drawn.append(random_condition(section, rng))
    measured = [one for one in drawn if one.sensor.model == "Testmaker One"]
    assert 15 < len(measured) < 45
    assert all(400 <= one.iso <= 6400 for one in measured)  # where it was measured
    assert min(one.iso for one in drawn) < 400


def test_a_calibration_alone_is_enough(scenes: list[Scene], tmp_path: Path) -> None:
    path = tmp_path / "alone.json"
    path.write_bytes(to_json(calibration()))
    section = NoiseSection(cameras=(), calibrations=(path,), iso=(100, 200))
    assert np.isfinite(draw(scenes[0], 1, section).planes).all()


def test_some_camera_is_needed() -> None:
    for section in (NoiseSection(cameras=()), NoiseSection(cameras=("pinhole",))):
        with pytest.raises(UsageProblem):
            random_condition(section, np.random.default_rng(0))
