from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.scenes import Scene, files_in, halve, linear_crop, load_scenes
from darkroom.picture.dng import write_bayer_dng
from darkroom.picture.tone import srgb_decode


def write_frame(path: Path, *, size: int = 64) -> None:
    """Write a clean grey RAW frame whose sensor sees red at a half and blue at a third."""
    mosaic = np.full((size, size), 4000, np.uint16)
    mosaic[::2, ::2] = 2000
    mosaic[1::2, 1::2] = 1333
    mosaic += np.random.default_rng(0).integers(0, 3, mosaic.shape, np.uint16)
    with path.open("wb") as file:
        write_bayer_dng(
            file,
            mosaic,
            phase="RGGB",
            black=(0, 0, 0, 0),
            white=16000,
            xyz_to_camera=np.eye(3),
            white_balance=(2.0, 1.0, 3.0),
            make="Maker",
            model="Camera",
        )


def test_loads_photographs_and_names_what_it_skips(photos: Path) -> None:
    scenes, skipped = load_scenes([photos], [], smallest=32)
    assert sorted(scene.name for scene in scenes) == [f"photo{n}.png" for n in range(6)]
    assert len(skipped) == 1
    assert "broken.jpg" in skipped[0]


def test_large_photographs_come_at_half_size_too(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "large.png"), np.zeros((700, 900, 3), np.uint8))
    scenes, _ = load_scenes([tmp_path], [], smallest=32)
    assert [scene.pixels.shape for scene in scenes] == [(700, 900, 3), (350, 450, 3)]


def test_raw_frames_are_balanced_and_binned(tmp_path: Path) -> None:
    write_frame(tmp_path / "frame.dng")
    (scene,), skipped = load_scenes([], [tmp_path], smallest=16)
    assert not skipped
    assert scene.pixels.shape == (32, 32, 3)
    assert scene.camera_to_srgb is not None
    assert np.allclose(scene.pixels, 0.25, atol=1e-3)


def test_too_small_pictures_are_left_out(photos: Path) -> None:
    with pytest.raises(UsageProblem, match="at least 200 pixels"):
        load_scenes([photos], [], smallest=200)


def test_files_are_found_in_order_whatever_their_depth(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPG", "a/b.txt", "c.dng"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = files_in([tmp_path])
    assert [file.name for file in found] == ["z.JPG", "b.png", "c.dng"]


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="clean"):
        files_in([tmp_path / "clean"])


def test_crops_are_linear() -> None:
    scene = Scene("x", np.full((8, 8, 3), 128, np.uint8))
    crop = linear_crop(scene, 2, 2, 4)
    assert crop.shape == (4, 4, 3)
    assert np.allclose(crop, srgb_decode(128 / 255), atol=1e-6)


def test_halving_averages_cells() -> None:
    pixels = np.arange(5 * 4 * 3, dtype=np.float32).reshape(5, 4, 3)
    halved = halve(pixels)
    assert halved.shape == (2, 2, 3)
    assert np.allclose(halved[0, 0], pixels[:2, :2].mean((0, 1)))
