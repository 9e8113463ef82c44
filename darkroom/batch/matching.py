"""Finished pictures of two folders, matched by name: a result and its truth."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from darkroom.batch.inputs import Input, expand_inputs
from darkroom.camera.read import is_raw_name
from darkroom.picture.load import is_picture_name


def pictures_in(folder: Path) -> list[Input]:
    """Return the PNG, TIFF and JPEG files below a folder, by name.

    Raises:
        NothingMatched: there is none.
    """
    found = expand_inputs([str(folder)], is_input=is_picture_name)
    further = (duplicate.item for duplicate in found.duplicates)  # a link has a name to match, too
    return sorted((*found.inputs, *further), key=lambda item: item.below)


def by_stem(pictures: Iterable[Input]) -> dict[str, list[Path]]:
    """Return the files by what `stem_of` leaves of their names, in the order of these."""
    named: dict[str, list[Path]] = {}
    for item in pictures:
        named.setdefault(stem_of(item.below), []).append(item.path)
    return named


def stem_of(below: Path) -> str:
    """Return the name by which a result and its truth are matched: without suffix and RAW suffix.

    Folders count, and so do capital letters.

    >>> stem_of(Path("night/x.ARW.tif")), stem_of(Path("night/x.png")), stem_of(Path("x.v2.png"))
    ('night/x', 'night/x', 'x.v2')
    """
    stem = below.with_suffix("")
    return (stem.with_suffix("") if is_raw_name(stem) else stem).as_posix()


def without(named: Mapping[str, Sequence[Path]], known: Sequence[str]) -> tuple[Path, ...]:
    """Return the files whose names are not known."""
    return tuple(path for name in sorted(named.keys() - {*known}) for path in named[name])
