"""Sheets of many small pictures: contact sheets, and one picture at several settings."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from darkroom.picture.drawing import (
    CAPTION,
    GAP,
    LETTER,
    Pixels,
    blank,
    captioned,
    side_by_side,
    write_text,
)

Named = tuple[str, Pixels]

THUMBNAIL = 240  # longest side of a picture on a contact sheet
COLUMNS, ROWS = 6, 8  # pictures on a page


def contact_pages(pictures: Iterable[Named]) -> Iterator[Pixels]:
    """Yield pages of up to 48 pictures with their names below, in order, row by row.

    Args:
        pictures: names and pictures whose sides are at most 240 pixels; taken page by page.
    """
    cells = (contact_cell(name, pixels) for name, pixels in pictures)
    for page in _in_parts(cells, COLUMNS * ROWS):
        yield contact_page(page)


def contact_page(cells: Sequence[Pixels]) -> Pixels:
    """Put cells of one size into rows of six; the last row may be shorter, a lone one narrower."""
    height, width, _ = cells[0].shape
    columns = min(len(cells), COLUMNS)
    rows = -(-len(cells) // columns)
    sheet = blank(rows * (height + GAP) + GAP, columns * (width + GAP) + GAP)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def contact_cell(name: str, pixels: Pixels) -> Pixels:
    """Return a picture in the middle of a square of paper, its name below."""
    height, width, _ = pixels.shape
    cell = blank(THUMBNAIL + CAPTION, THUMBNAIL)
    top, left = (THUMBNAIL - height) // 2, (THUMBNAIL - width) // 2
    cell[top : top + height, left : left + width] = pixels
    write_text(cell, shortened(name, THUMBNAIL // LETTER), row=THUMBNAIL + CAPTION - 8, column=2)
    return cell


def settings_sheet(pictures: Sequence[Named]) -> Pixels:
    """Return pictures of one size side by side, as many in a row as make the sheet square.

    Args:
        pictures: what stands above each, and the picture.
    """
    shown = [captioned(pixels, caption) for caption, pixels in pictures]
    height, width, _ = shown[0].shape
    columns = min(len(shown), max(1, round((len(shown) * height / width) ** 0.5)))
    rows = [side_by_side(row) for row in _in_parts(shown, columns)]
    widest = max(row.shape[1] for row in rows)
    return np.concatenate([_widened(row, widest) for row in rows])


def shortened(name: str, letters: int) -> str:
    """Return a name of at most so many letters: the middle of a long one is left out.

    >>> shortened("DSC01234.ARW.tif", 16), shortened("a-very-long-name.ARW.tif", 15)
    ('DSC01234.ARW.tif', 'a-very~.ARW.tif')
    """
    if len(name) <= letters:
        return name
    end = letters // 2 + 1
    return f"{name[: letters - end - 1]}~{name[-end:]}"


def _in_parts(cells: Iterable[Pixels], size: int) -> Iterator[tuple[Pixels, ...]]:
    waiting = iter(cells)
    while part := tuple(islice(waiting, size)):
        yield part


def _widened(row: Pixels, columns: int) -> Pixels:
    return np.concatenate([row, blank(len(row), columns - row.shape[1])], axis=1)
