"""Plots of `darkroom eval`: predicted against true values, and every picture beside its truth."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.errors import FileProblem
from darkroom.measure.colour_difference import delta_e_76, srgb_to_lab
from darkroom.measure.metrics import STRIP
from darkroom.picture.comparison import draw_strip
from darkroom.picture.drawing import Pixels
from darkroom.picture.metadata import PictureMetadata
from darkroom.picture.png import write_png
from darkroom.picture.scatter import CHANNELS, Counts, draw_scatter, joint_counts
from darkroom.publish import publish

if TYPE_CHECKING:
    from darkroom.evaluate import Scored, Sight, Tell

WEIGHTS = ".safetensors"
DEEP = np.uint16(257)  # an 8-bit level in 16 bits


@contextmanager
def plotting(
    folder: Path, *, overwrite: bool, failed: Callable[[FileProblem], object]
) -> "Iterator[Tell]":
    """Yield what draws each picture that has scores; in the end each row gets its scatter plot.

    A row's plots lie in a folder named like its model: `scatter.png`, and below `pictures` one
    strip a picture, named like the picture.

    Args:
        folder: for the plots of all rows.
        overwrite: replace plots that exist.
        failed: hears of each plot that cannot be written; the others are drawn.
    """
    places: dict[str, Path] = {}
    counts: dict[str, Counts] = {}

    def save(path: Path, pixels: Pixels) -> None:
        try:
            _save(path, pixels, overwrite=overwrite)
        except FileProblem as problem:
            failed(problem)

    def draw(name: str, scored: "Scored", sight: "Sight | None") -> None:
        if sight is None or not is_picture(sight):
            return
        place = places.setdefault(name, folder / free_name(name, places.values()))
        counts[name] = counts.get(name, 0) + joint_counts(sight.truth, sight.result)
        save(place / "pictures" / f"{scored.name}.png", strip_of(sight))

    yield draw
    for name, counted in counts.items():
        save(places[name] / "scatter.png", draw_scatter(counted, places[name].name))


def is_picture(sight: "Sight") -> bool:
    """Whether there is something to see: planes of RAW frames have four channels and no colours."""
    return bool(sight.truth.shape[-1] == len(CHANNELS))


def free_name(name: str, taken: Iterable[Path]) -> str:
    """Return a folder's name for a row: its model's, with a number if another row has that.

    >>> free_name("runs/x.safetensors", [Path("plots/x")])
    'x-2'
    """
    known = {path.name for path in taken}
    plain = Path(name).name.removesuffix(WEIGHTS) or "results"
    names = (plain if number == 1 else f"{plain}-{number}" for number in range(1, len(known) + 2))
    return next(free for free in names if free not in known)


def strip_of(sight: "Sight") -> Pixels:
    """Draw the source if it is a picture, the result, the truth, and their difference."""
    pictures = [("result", sight.result), ("truth", sight.truth)]
    if sight.source is not None:
        pictures.insert(0, ("source", sight.source))
    return draw_strip(pictures, difference_map(sight))


def difference_map(sight: "Sight") -> npt.NDArray[np.float32]:
    """Return the CIE76 difference of every pixel, (H, W)."""
    differences = np.empty(sight.truth.shape[:2], np.float32)
    for top in range(0, len(differences), STRIP):
        rows = slice(top, top + STRIP)
        truth, result = (srgb_to_lab(srgb[rows]) for srgb in (sight.truth, sight.result))
        differences[rows] = delta_e_76(truth, result)
    return differences


def _save(path: Path, pixels: Pixels, *, overwrite: bool) -> None:
    metadata = PictureMetadata(software=f"darkroom {__version__}")
    write = partial(write_png, pixels=pixels * DEEP, metadata=metadata)
    publish(path, write, overwrite=overwrite)
