from pathlib import Path

import pytest

from darkroom.errors import NothingMatched, UsageProblem
from darkroom.picture.nir_pairs import NirPair, find_lone, find_pairs


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_pairs_are_found_in_order_with_their_category(tmp_path: Path) -> None:
    touch(tmp_path, "water/2_nir.jpg", "water/2_rgb.jpg", "water/1_nir.TIF", "water/1_rgb.png")
    touch(tmp_path, "a_rgb.jpeg", "a_nir.tiff", "far/away/x_nir.png", "far/away/x_rgb.png")
    pairs = find_pairs(tmp_path)
    assert [(pair.name, pair.category) for pair in pairs] == [
        ("a", ""),
        ("far/away/x", "far/away"),
        ("water/1", "water"),
        ("water/2", "water"),
    ]
    water = tmp_path / "water"
    assert pairs[2] == NirPair("water/1", "water", water / "1_nir.TIF", water / "1_rgb.png")


def test_a_name_may_hold_dots_and_the_endings_of_others(tmp_path: Path) -> None:
    touch(tmp_path, "a.v2_nir.png", "a.v2_rgb.png", "b_rgb_nir.png", "b_rgb_rgb.png")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a.v2", "b_rgb"]


def test_files_without_a_partner_are_left_out_and_known(tmp_path: Path) -> None:
    touch(tmp_path, "a_nir.png", "a_rgb.png", "b_nir.png", "c/d_rgb.png", "e.png", "f_nir.txt")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a"]
    assert find_lone(tmp_path) == ((tmp_path / "b_nir.png",), (tmp_path / "c/d_rgb.png",))


def test_hidden_files_and_folders_are_no_pictures(tmp_path: Path) -> None:
    touch(tmp_path, "a_nir.png", "a_rgb.png", ".b_nir.png", ".b_rgb.png")
    touch(tmp_path, ".c/d_nir.png", ".c/d_rgb.png", "g_nir.png/x", "g_rgb.png/x")
    assert [pair.name for pair in find_pairs(tmp_path)] == ["a"]


def test_nothing_is_chosen_from_several(tmp_path: Path) -> None:
    touch(tmp_path, "a_nir.png", "a_nir.jpg", "a_rgb.png")
    with pytest.raises(UsageProblem, match=r"a_nir\.jpg, .*a_nir\.png; leave one"):
        find_pairs(tmp_path)


def test_a_folder_without_pairs_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "a_nir.png", "b_rgb.png")
    with pytest.raises(NothingMatched, match=r"x_nir\.png beside x_rgb\.png"):
        find_pairs(tmp_path)
