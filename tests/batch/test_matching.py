from pathlib import Path

import pytest

from darkroom.batch.matching import by_stem, pictures_in, stem_of, without
from darkroom.errors import NothingMatched


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("x.png", "x"),
        ("x.ARW.tif", "x"),
        ("x.dng.png", "x"),
        ("x.v2.png", "x.v2"),
        ("x.arw.nef.tif", "x.arw"),
        ("sub.ARW/x.JPG", "sub.ARW/x"),
        ("X.png", "X"),
    ],
)
def test_suffix_and_raw_suffix_do_not_count(name: str, stem: str) -> None:
    assert stem_of(Path(name)) == stem


def test_pictures_are_found_by_name_and_matched_by_stem(tmp_path: Path) -> None:
    touch(tmp_path, "b.ARW.tif", "a/x.png", "b.png", "notes.txt", "c.JPG")
    pictures = pictures_in(tmp_path)
    assert [item.below.as_posix() for item in pictures] == [
        "a/x.png",
        "b.ARW.tif",
        "b.png",
        "c.JPG",
    ]
    named = by_stem(pictures)
    assert list(named) == ["a/x", "b", "c"]
    assert named["b"] == [tmp_path / "b.ARW.tif", tmp_path / "b.png"]
    assert without(named, ["b"]) == (tmp_path / "a/x.png", tmp_path / "c.JPG")


def test_a_folder_without_pictures_is_said(tmp_path: Path) -> None:
    touch(tmp_path, "notes.txt")
    with pytest.raises(NothingMatched):
        pictures_in(tmp_path)
