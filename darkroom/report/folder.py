"""The finished pictures of a folder beside the files they were made of, as a page shows them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from darkroom.camera.read import is_raw_name
from darkroom.picture.load import is_picture_name
from darkroom.report.pages import page

PREVIEWS = "/preview/"
PER_PAGE = 24


@dataclass(frozen=True)
class Shot:
    """A finished picture and what it was made of, None if that does not lie beside it.

    Both are names below the folder.
    """

    result: str
    source: str | None = None


def shots_in(folder: Path) -> list[Shot]:
    """Return the finished pictures below a folder by name; a picture's source is no shot itself.

    `night.ARW.tif` was made of `night.ARW` beside it. Hidden files and links are left out.
    """
    names = set(_files_below(folder))
    made_of = {name: name.removesuffix(Path(name).suffix) for name in names}
    sources = {made_of[name] for name in names if is_picture_name(name)} & names
    results = sorted(name for name in names - sources if is_picture_name(name))
    return [Shot(name, made_of[name] if made_of[name] in names else None) for name in results]


def _files_below(folder: Path) -> Iterator[str]:
    """Yield names of pictures and RAW files; folders of any depth, which `os.walk` cannot do."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            entries = list(os.scandir(folder / below))
        except OSError:  # gone meanwhile, or not ours to read
            continue
        for entry in entries:
            name = below + entry.name
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name + "/")
            elif is_shown(name):
                yield name


def is_shown(name: str) -> bool:
    """Whether a file of that name has a preview."""
    return is_picture_name(name) or is_raw_name(name)


def folder_page(folder: Path, shots: Sequence[Shot], number: int) -> bytes:
    """Return one page of the folder's pictures, UTF-8.

    Args:
        folder: for the heading.
        shots: all of them.
        number: of the page, from 1; what is beyond shows the last one.
    """
    pages = max(1, -(-len(shots) // PER_PAGE))
    number = min(max(number, 1), pages)
    return page(
        "folder.html",
        pictures="'self'",
        folder=str(folder),
        total=len(shots),
        page=number,
        pages=pages,
        figures=[figure_of(shot) for shot in shots[(number - 1) * PER_PAGE : number * PER_PAGE]],
    )


def figure_of(shot: Shot) -> dict[str, object]:
    """Return what the template shows of a shot."""
    views = [("result", address_of(shot.result))]
    if shot.source is not None:
        views.insert(0, ("source", address_of(shot.source)))
    return {"title": shot.result, "views": views, "note": ""}


def address_of(name: str) -> str:
    """Return the address of a preview.

    >>> address_of("a/<b> #1.png")
    '/preview/a/%3Cb%3E%20%231.png'
    """
    return PREVIEWS + quote(os.fsencode(name))


def file_of(folder: Path, address: str) -> Path | None:
    """Return the file whose preview has that address, None unless it may be shown.

    Shown are ordinary files below the folder by the names of `shots_in`: nothing hidden, nothing
    reached through a link or "..", no absolute name.

    Args:
        folder: what is served.
        address: path of a URL, still quoted.
    """
    name = os.fsdecode(unquote_to_bytes(address.removeprefix(PREVIEWS)))
    if not address.startswith(PREVIEWS) or "\0" in name or "\\" in name or not is_shown(name):
        return None
    if any(part == "" or part.startswith(".") for part in name.split("/")) or Path(name).anchor:
        return None
    real = os.path.realpath(folder)
    path = os.path.join(real, *name.split("/"))  # noqa: PTH118 - compared as text
    try:
        is_direct = os.path.realpath(path) == path and os.path.isfile(path)  # noqa: PTH113
    except (OSError, ValueError):
        return None
    return Path(path) if is_direct else None
