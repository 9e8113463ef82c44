from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.camera.raw import NoiseLevel
from darkroom.errors import UsageProblem
from darkroom.learning.config import PairsSection
from darkroom.learning.real_pairs import RealPairs, RealScene, load_pairs, make_real_pair
from darkroom.simulate import SimulateSettings, simulate_file
from tests.learning.pair_files import BALANCE, colours, write_frame, write_scenes

NAMES = tuple(f"{number:05}" for number in range(1, 5))


def load(section: PairsSection, tmp_path: Path, smallest: int = 32) -> tuple[RealPairs, list[str]]:
    told: list[str] = []
    found = load_pairs(section, tmp_path / "runs/one", smallest=smallest, on_skipped=told.append)
    return found, told


def scenes_of(pairs: RealPairs) -> tuple[RealScene, ...]:
    return pairs.training + pairs.held_out


def test_a_folder_like_sid_becomes_scenes(tmp_path: Path) -> None:
    pairs, told = load(PairsSection(lists=(write_scenes(tmp_path, NAMES),)), tmp_path)
    scenes = scenes_of(pairs)
    assert told == []
    assert pairs.training
    assert pairs.held_out
    assert sorted(scene.name for scene in scenes) == list(NAMES)
    assert all([shot.ratio for shot in scene.shots] == [100, 250] for scene in scenes)
    assert len({shot.long for shot in scenes[0].shots}) == 1
    assert list((tmp_path / "runs/pairs-cache").glob("*.frame"))


def test_bad_files_are_named_and_left_out(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, NAMES)
    (tmp_path / f"Sony/short/{NAMES[0]}_00_0.1s.dng").write_bytes(b"damaged" * 300)
    (tmp_path / f"Sony/long/{NAMES[1]}_00_10s.dng").unlink()
    exclude = tmp_path / "exclude.txt"
    exclude.write_text(f"{NAMES[2]}  # misaligned\n", encoding="utf-8")
    pairs, told = load(PairsSection(lists=(path,), exclude=exclude), tmp_path)
    assert {scene.name: len(scene.shots) for scene in scenes_of(pairs)} == {
        NAMES[0]: 1,
        NAMES[3]: 2,
    }
    assert len(told) == 2
    assert "does not exist" in told[0]
    assert f"{NAMES[0]}_00_0.1s.dng" in told[1]


def test_too_many_bad_files_are_refused(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, NAMES)
    for name in NAMES[:3]:
        (tmp_path / f"Sony/long/{name}_00_10s.dng").unlink()
    with pytest.raises(UsageProblem, match=r"more than 2 files.*00001_00_10s\.dng: does not exist"):
        load(PairsSection(lists=(path,), most_bad=2), tmp_path)


def test_pairs_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    write_frame(tmp_path / "short/1_a_0.1s.dng", colours((48, 64)), ratio=10)
    write_frame(tmp_path / "long/1_a_1s.dng", colours((48, 62)))
    write_frame(tmp_path / "short/2_a.dng", colours((48, 64)), ratio=10)
    write_frame(tmp_path / "long/2_a.dng", colours((48, 64)))
    write_frame(tmp_path / "short/3_a.dng", colours((48, 64)), seconds=9, iso=100)
    write_frame(tmp_path / "long/3_a.dng", colours((48, 64)), seconds=1, iso=100)
    write_frame(tmp_path / "short/4_0.1s.dng", colours((48, 64)), ratio=10)
    write_frame(tmp_path / "long/4_1s.dng", colours((48, 64)))
    pairs, told = load(PairsSection(folders=(tmp_path,)), tmp_path)
    assert [scene.name for scene in pairs.training] == ["4"]
    assert pairs.held_out == ()
    assert ["size or Bayer phase" in told[0], "ratio" in told[1], "more light" in told[2]] == [
        True,
        True,
        True,
    ]


def test_without_pairs_there_are_none(tmp_path: Path) -> None:
    assert load(PairsSection(), tmp_path) == (RealPairs(), [])


def test_frames_smaller_than_a_patch_are_left_out(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, NAMES[:1])
    with pytest.raises(UsageProblem, match="at least 50 pixels"):
        load(PairsSection(lists=(path,)), tmp_path, smallest=50)


def test_the_split_depends_on_names_alone(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, NAMES)
    both, _ = load(PairsSection(lists=(path,), holdout=2), tmp_path)
    path.write_text("\n".join(reversed(path.read_text().splitlines())), encoding="utf-8")
    again, _ = load(PairsSection(lists=(path,), holdout=2), tmp_path)
    names = [{scene.name for scene in side} for side in (both.training, both.held_out)]
    assert names == [{s.name for s in side} for side in (again.training, again.held_out)]
    assert not names[0] & names[1]


def test_a_small_cache_is_told_of_and_works(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, NAMES)
    full, _ = load(PairsSection(lists=(path,)), tmp_path)
    small = PairsSection(lists=(path,), cache=tmp_path / "small", cache_gb=40e-6)
    pairs, told = load(small, tmp_path)
    assert len(told) == 1
    assert "pairs.cache_gb" in told[0]
    assert sum(f.stat().st_size for f in (tmp_path / "small").glob("*.frame")) <= 40_000
    for scene, same in zip(pairs.training, full.training, strict=True):
        first = make_real_pair(scene, size=16, rng=np.random.default_rng(1))
        second = make_real_pair(same, size=16, rng=np.random.default_rng(1))
        assert np.array_equal(first.planes, second.planes)
        assert np.array_equal(first.truth, second.truth)


def quiet_scene(folder: Path, **section: object) -> RealScene:
    """Return a scene whose frames have hardly any noise."""
    linear = colours((94, 127))
    quiet = {"shot": 1e-9, "read": 1e-6, "phase": "GBRG"}
    write_frame(folder / "short/1_0.1s.dng", linear, ratio=4, **quiet)
    write_frame(folder / "long/1_0.4s.dng", linear, **quiet)
    pairs, _ = load(PairsSection(folders=(folder,), **section), folder)
    return pairs.training[0]


@pytest.mark.parametrize("seed", range(8))
def test_planes_and_truth_agree_colour_by_colour_whatever_the_turn(
    tmp_path: Path, seed: int
) -> None:
    pair = make_real_pair(quiet_scene(tmp_path), size=32, rng=np.random.default_rng(seed))
    truth = pair.truth
    sampled = (
        truth[0, 0::2, 0::2],
        truth[1, 0::2, 1::2],
        truth[2, 1::2, 1::2],
        truth[1, 1::2, ::2],
    )
    assert truth.shape == (3, 64, 64)
    assert pair.planes.shape == (4, 32, 32)
    assert np.abs(pair.planes - np.stack(sampled)).max() < 2e-3  # four steps of the counts
    assert np.allclose(pair.gains, (BALANCE[0], 1, BALANCE[2], 1), rtol=1e-4)
    assert all(
        array.dtype == np.float32
        for array in (pair.planes, pair.noise, truth, pair.camera_to_srgb, pair.gains)
    )


def test_a_cut_ratio_dims_the_truth_as_well(tmp_path: Path) -> None:
    whole = make_real_pair(quiet_scene(tmp_path), size=32, rng=np.random.default_rng(0))
    scene = quiet_scene(tmp_path, most_ratio=2)
    cut = make_real_pair(scene, size=32, rng=np.random.default_rng(0))
    assert scene.shots[0].ratio == 2
    assert np.allclose(cut.planes, whole.planes / 2, atol=1e-6)
    assert np.allclose(cut.truth, whole.truth / 2, atol=1e-6)


def test_noise_is_told_as_it_is_and_stays_below_black(tmp_path: Path) -> None:
    linear = np.full((3, 400, 400), 0.2, np.float32)
    linear[:, :, 200:] = 0.0
    write_frame(tmp_path / "short/1_0.1s.dng", linear, ratio=20, shot=4e-4, read=8e-4)
    write_frame(tmp_path / "long/1_2s.dng", linear)
    pairs, _ = load(PairsSection(folders=(tmp_path,)), tmp_path)
    pair = make_real_pair(pairs.training[0], size=199, rng=np.random.default_rng(2))
    level = NoiseLevel(tuple(pair.noise[:4]), tuple(pair.noise[4:]))
    assert pair.planes.min() < 0
    for plane, read in zip(pair.planes, level.read, strict=True):
        dark = plane[plane < 3 * np.sqrt(read)]
        assert dark.size > 10_000
        assert -np.percentile(dark, 2) == pytest.approx(2 * np.sqrt(read), rel=0.35)
    assert level.read[0] / level.read[1] == pytest.approx(BALANCE[0] ** 2, rel=1e-3)


def test_the_generator_decides_the_pair(tmp_path: Path) -> None:
    pairs, _ = load(PairsSection(lists=(write_scenes(tmp_path, NAMES[:1]),)), tmp_path)
    first, again, other = (
        make_real_pair(pairs.training[0], size=16, rng=np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    assert np.array_equal(first.planes, again.planes)
    assert np.array_equal(first.noise, again.noise)
    assert not np.array_equal(first.planes, other.planes)


def test_every_short_exposure_is_used(tmp_path: Path) -> None:
    pairs, _ = load(PairsSection(lists=(write_scenes(tmp_path, NAMES[:1]),)), tmp_path)
    rng = np.random.default_rng(0)
    noise = {make_real_pair(pairs.training[0], size=16, rng=rng).noise[1] for _ in range(20)}
    assert len(noise) == 2


def test_simulated_frames_make_pairs_by_their_exif(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(40, 220, (9, 12, 3)).astype(np.uint8)
    source = tmp_path / "clean.png"
    cv2.imwrite(str(source), cv2.resize(picture, (96, 72), interpolation=cv2.INTER_CUBIC))
    for side, ratio in (("short", 50), ("long", 1)):
        (tmp_path / side).mkdir()
        simulate_file(source, tmp_path / side / "night.dng", SimulateSettings(ratio=ratio, iso=100))
    pairs, _ = load(PairsSection(folders=(tmp_path,)), tmp_path)
    (shot,) = pairs.training[0].shots
    assert shot.ratio == pytest.approx(50)
    pair = make_real_pair(pairs.training[0], size=36, rng=np.random.default_rng(0))
    assert float(pair.planes.mean()) == pytest.approx(float(pair.truth.mean()), rel=0.1)
