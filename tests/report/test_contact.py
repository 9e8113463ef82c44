from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.errors import FileProblem, UsageProblem
from darkroom.picture.load import load_picture
from darkroom.picture.sheets import COLUMNS, ROWS
from darkroom.report.contact import write_contact_sheet


def make(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{n}.ARW.png" for n in range(count)]
    for number, path in enumerate(paths):
        cv2.imwrite(str(path), np.full((30, 40, 3), 5 * number + 5, np.uint8))
    return paths


def test_all_pictures_are_on_the_sheet(tmp_path: Path) -> None:
    pictures, sheet = make(tmp_path, 3), tmp_path / "sheets" / "sheet.png"
    assert write_contact_sheet(sheet, pictures, spared=[], overwrite=False) == [sheet]
    levels = np.rint(load_picture(sheet) * 255)
    assert all((levels == level).all(-1).sum() >= 1200 for level in (5, 10, 15))


def test_many_pictures_take_pages(tmp_path: Path) -> None:
    pictures = make(tmp_path, 1) * (COLUMNS * ROWS + 1)
    sheet = tmp_path / "sheet.png"
    pages = write_contact_sheet(sheet, pictures, spared=[], overwrite=False)
    assert pages == [sheet, tmp_path / "sheet-2.png"]
    assert all(page.exists() for page in pages)


def test_no_picture_makes_no_sheet(tmp_path: Path) -> None:
    assert write_contact_sheet(tmp_path / "s.png", [], spared=[], overwrite=False) == []
    assert list(tmp_path.iterdir()) == []


def test_equal_pictures_make_equal_bytes(tmp_path: Path) -> None:
    pictures, sheet = make(tmp_path, 2), tmp_path / "sheet.png"
    for _ in range(2):  # the very same sheet may be there already
        write_contact_sheet(sheet, pictures, spared=[], overwrite=False)
    with pytest.raises(FileProblem, match="exists already"):
        write_contact_sheet(sheet, pictures[:1], spared=[], overwrite=False)


def test_a_picture_that_is_gone_leaves_a_grey_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures, sheet = [*make(tmp_path, 1), tmp_path / "gone.png"], tmp_path / "sheet.png"
    write_contact_sheet(sheet, pictures, spared=[], overwrite=False)
    assert "gone.png: is not on the contact sheet" in capsys.readouterr().err
    assert sheet.exists()


def test_neither_pictures_nor_originals_are_replaced(tmp_path: Path) -> None:
    pictures, original = make(tmp_path, 2), tmp_path / "night-2.png"
    original.write_bytes(b"mine")
    for sheet in (
        pictures[1],
        original,
        tmp_path / "x" / ".." / "0.ARW.png",
        tmp_path / "night.png",
    ):
        with pytest.raises(UsageProblem, match="another name"):
            write_contact_sheet(sheet, pictures, spared=[original], overwrite=True)
    assert original.read_bytes() == b"mine"
