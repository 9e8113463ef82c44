"""Contact sheets: all pictures of a run on a few pages."""

import os
from collections.abc import Iterable, Sequence
from operator import methodcaller
from pathlib import Path

from darkroom.errors import FileProblem, UsageProblem
from darkroom.picture.drawing import Pixels, blank
from darkroom.picture.load import load_picture
from darkroom.picture.preview import png_bytes, preview_of
from darkroom.picture.sheets import THUMBNAIL, contact_pages
from darkroom.publish import publish
from darkroom.report.console import complain


def write_contact_sheet(
    sheet: Path, pictures: Sequence[Path], *, spared: Iterable[Path], overwrite: bool
) -> list[Path]:
    """Draw pictures with their names on pages of 48, and return the pages' files.

    A picture that cannot be read is an empty place with its name, and is told.

    Args:
        sheet: the first page, a PNG; the others are named like it, with `-2` and so on.
        pictures: their files, in order.
        spared: files that no page may replace, whatever `overwrite` says.
        overwrite: replace other files.

    Raises:
        UsageProblem: a page would replace one of the pictures or spared files.
        FileProblem: a page cannot be written.
    """
    refuse_spared(sheet, (*pictures, *spared))
    written = []
    drawn = ((picture.name, thumbnail(picture)) for picture in pictures)
    for number, pixels in enumerate(contact_pages(drawn), 1):
        page = page_of(sheet, number)
        publish(page, methodcaller("write", png_bytes(pixels)), overwrite=overwrite)
        written.append(page)
    return written


def refuse_spared(sheet: Path, spared: Sequence[Path]) -> None:
    """Refuse pages that would have the names of files of the run."""
    taken = {os.path.realpath(path) for path in spared}
    for number in range(1, len(spared) + 1):
        page = page_of(sheet, number)
        if os.path.realpath(page) in taken:
            raise UsageProblem(f"the contact sheet would replace {page}; give it another name")


def page_of(sheet: Path, number: int) -> Path:
    """Return the file of a page.

    >>> page_of(Path("out/sheet.png"), 1).as_posix(), page_of(Path("out/sheet.png"), 2).as_posix()
    ('out/sheet.png', 'out/sheet-2.png')
    """
    return sheet if number == 1 else sheet.with_stem(f"{sheet.stem}-{number}")


def thumbnail(picture: Path) -> Pixels:
    """Return a file small enough for the sheet, or grey where it cannot be read."""
    try:
        return preview_of(load_picture(picture), THUMBNAIL)
    except FileProblem as problem:
        complain(f"{picture}: is not on the contact sheet: {problem}")
        return blank(THUMBNAIL, THUMBNAIL) // 2
