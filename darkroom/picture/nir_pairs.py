"""Pairs of registered pictures: near-infrared, and the same view in colour."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import NothingMatched, UsageProblem
from darkroom.picture.load import is_picture_name

NIR, SRGB = "_nir", "_rgb"

Sides = dict[str, list[Path]]  # by NIR and SRGB: the files of one name


@dataclass(frozen=True)
class NirPair:
    """Two pictures of one view, pixel on pixel.

    Attributes:
        name: where the pair lies below the folder that was asked for: "water/0003".
        category: the folder in that name: "water", "" if there is none.
        nir: the near-infrared picture.
        srgb: the colour picture.
    """

    name: str
    category: str
    nir: Path
    srgb: Path


def find_pairs(folder: Path) -> list[NirPair]:
    """Return the pairs below a folder, by name: x_nir.png beside x_rgb.png, or other suffixes.

    Files without a partner are left out, hidden ones too; `find_lone` names the former.

    Raises:
        NothingMatched: there is no pair.
        UsageProblem: several files could be the same side of a pair.
    """
    named = _by_name(folder)
    pairs = [_pair(name, sides) for name, sides in sorted(named.items()) if len(sides) == 2]
    if not pairs:
        raise NothingMatched(f"no pairs in {folder}; x_nir.png beside x_rgb.png is one")
    return pairs


def find_lone(folder: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the near-infrared pictures and the colour pictures that have no partner, by name."""
    lone = [sides for _, sides in sorted(_by_name(folder).items()) if len(sides) == 1]
    nir, srgb = (tuple(p for sides in lone for p in sides.get(end, ())) for end in (NIR, SRGB))
    return nir, srgb


def _pair(name: str, sides: Sides) -> NirPair:
    for paths in sides.values():
        if len(paths) > 1:
            names = ", ".join(str(path) for path in paths)
            raise UsageProblem(f"several files for one side of a pair: {names}; leave one of them")
    category = name.rpartition("/")[0]
    return NirPair(name, category, sides[NIR][0], sides[SRGB][0])


def _by_name(folder: Path) -> dict[str, Sides]:
    named: dict[str, Sides] = {}
    for path in _pictures_in(folder):
        below = path.relative_to(folder).with_suffix("").as_posix()
        for end in (NIR, SRGB):
            if below.endswith(end):
                sides = named.setdefault(below.removesuffix(end), {})
                sides.setdefault(end, []).append(path)
    return named


def _pictures_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if is_picture_name(path) and not is_hidden and not path.is_dir():
            yield path
