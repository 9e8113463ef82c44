from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.errors import NothingMatched, UsageProblem
from darkroom.learning.config import DataSection, NirSection
from darkroom.learning.nir_scenes import ALL, load_nir_scenes, stored_side
from tests.learning.nir_files import write_pairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pairs(tmp_path / "pairs")


def test_pairs_come_by_category_and_each_on_one_side(folder: Path) -> None:
    section = NirSection(folders=(folder,), holdout=3)
    scenes, skipped = load_nir_scenes(section, DataSection(), ALL)
    names = [scene.name for category in scenes.categories for scene in category]
    held = [scene.name for scene in scenes.held_out]
    assert sorted(names + held) == [f"{c}/{i:04d}" for c in ("field", "water") for i in range(3)]
    assert all(len({s.category for s in category}) == 1 for category in scenes.categories)
    assert (skipped, scenes.photos) == ([], ())


def test_scenes_are_shrunk_but_never_enlarged(folder: Path) -> None:
    section = NirSection(folders=(folder,))
    for side, shape in ((ALL, (48, 64)), (32, (24, 32)), (100, (48, 64))):
        scenes, _ = load_nir_scenes(section, DataSection(), side)
        scene = scenes.categories[0][0]
        assert scene.nir is not None
        assert scene.nir.shape == shape
        assert scene.srgb.shape == (*shape, 3)
        assert scene.nir.dtype == scene.srgb.dtype == np.uint8


def test_a_network_without_a_side_gets_pictures_as_they_are() -> None:
    assert (stored_side(0), stored_side(256)) == (ALL, 320)


def test_one_category_can_be_asked_for(folder: Path) -> None:
    section = NirSection(folders=(folder,), categories=("water",))
    scenes, _ = load_nir_scenes(section, DataSection(), ALL)
    assert {s.category for category in scenes.categories for s in category} == {"water"}
    with pytest.raises(UsageProblem, match="'moon'; there are field, water"):
        load_nir_scenes(NirSection(folders=(folder,), categories=("moon",)), DataSection(), ALL)


def test_what_cannot_be_used_is_said(folder: Path) -> None:
    (folder / "field" / "0000_rgb.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    cv2.imwrite(str(folder / "water" / "0001_nir.png"), np.zeros((8, 8), np.uint8))
    scenes, skipped = load_nir_scenes(NirSection(folders=(folder,)), DataSection(), ALL)
    assert [sentence.split(":")[0] for sentence in skipped] == ["field/0000", "water/0001"]
    assert "differ in size" in skipped[1]
    assert sum(map(len, scenes.categories)) + len(scenes.held_out) >= 4


def test_photographs_come_where_they_are_wanted(folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    cv2.imwrite(str(photos / "a.png"), np.full((40, 60, 3), 90, np.uint8))
    (photos / "b.png").write_bytes(b"nothing")
    data = DataSection(photos=(photos,))
    assert load_nir_scenes(NirSection(folders=(folder,)), data, ALL)[0].photos == ()
    section = NirSection(folders=(folder,), photo_share=0.5)
    scenes, skipped = load_nir_scenes(section, data, ALL)
    assert [(photo.name, photo.nir) for photo in scenes.photos] == [("a.png", None)]
    assert [sentence.split(":")[0] for sentence in skipped] == ["b.png"]


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingMatched):
        load_nir_scenes(NirSection(folders=(tmp_path,)), DataSection(), ALL)
