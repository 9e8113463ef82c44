import numpy as np
import pytest

from darkroom.picture.drawing import CAPTION, GAP, PAPER, Pixels
from darkroom.picture.sheets import (
    COLUMNS,
    ROWS,
    THUMBNAIL,
    contact_cell,
    contact_page,
    contact_pages,
    settings_sheet,
    shortened,
)


def grey(level: int, rows: int = 60, columns: int = 90) -> Pixels:
    return np.full((rows, columns, 3), level, np.uint8)


def test_pages_hold_all_pictures_in_order() -> None:
    count = COLUMNS * ROWS + 1
    pages = list(contact_pages((f"{n}.tif", grey(n)) for n in range(count)))
    assert len(pages) == 2
    levels = [level for page in pages for level in range(count) if (page == level).all(-1).any()]
    assert set(range(1, count)) <= set(levels)
    assert (pages[1] == count - 1).all(-1).sum() >= 60 * 90
    assert list(contact_pages([])) == []


def test_a_page_is_as_wide_as_it_has_pictures() -> None:
    cell = contact_cell("a", grey(9))
    width = THUMBNAIL + GAP
    assert contact_page([cell] * 2).shape[1] == 2 * width + GAP
    assert contact_page([cell] * 20).shape[1] == COLUMNS * width + GAP


def test_a_picture_stands_in_the_middle_and_its_name_below() -> None:
    cell = contact_cell("night.tif", grey(9, THUMBNAIL, 100))
    assert (cell[:THUMBNAIL, 70:170] == 9).all()
    assert (cell[:THUMBNAIL, :70] == PAPER).all()
    assert (cell[THUMBNAIL:] < PAPER).any()
    assert cell.shape == (THUMBNAIL + CAPTION, THUMBNAIL, 3)


@pytest.mark.parametrize("name", ["", "über.tif", "new\nline.tif", "\udcff.tif", "x" * 300])
def test_any_name_can_be_written(name: str) -> None:
    assert contact_cell(name, grey(9)).shape == (THUMBNAIL + CAPTION, THUMBNAIL, 3)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_a_sheet_of_settings_shows_each(count: int) -> None:
    sheet = settings_sheet([(f"ratio {n}", grey(n + 1)) for n in range(count)])
    for number in range(count):
        assert (sheet == number + 1).all(-1).sum() >= 60 * 90


@pytest.mark.parametrize("letters", [8, 9, 30])
def test_a_short_name_keeps_both_ends(letters: int) -> None:
    short = shortened("DSC01234-copy-of-a-copy.ARW.tif", letters)
    assert len(short) <= letters
    assert short[:2] == "DS"
    assert short.endswith(".tif")
