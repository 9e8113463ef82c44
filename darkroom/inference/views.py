"""Look at a frame from several sides and average: the network's errors differ, the scene does not.

After Timofte et al. 2016, "Seven ways to improve example-based single image super resolution" (the
geometric self-ensemble). A Bayer frame keeps its pattern R G B G2 when it is transposed, and when
it is mirrored about a pixel of its own colours, which adds one cell. The average is taken of
square roots, near to how a display codes light.
"""

from dataclasses import dataclass, replace

import numpy as np

from darkroom.camera.bayer import TRANSPOSED
from darkroom.inference.engine import Engine, FloatArray
from darkroom.inference.guarded import Computed, Ladder, TileRules, run_guarded


@dataclass(frozen=True)
class View:
    """A side to look from: mirrored columns, mirrored rows, then rows and columns exchanged."""

    columns: bool = False
    rows: bool = False
    transposed: bool = False


VIEWS = (
    View(),
    View(transposed=True),
    View(rows=True),
    View(rows=True, transposed=True),
    View(columns=True),
    View(columns=True, transposed=True),
    View(columns=True, rows=True),
    View(columns=True, rows=True, transposed=True),
)


def run_views(
    engine: Engine,
    planes: FloatArray,
    noise: FloatArray,
    rules: TileRules,
    ladder: Ladder,
    *,
    count: int,
) -> Computed:
    """Run the network on the first `count` views of planes (4, h, w) and average the pictures.

    Raises:
        FileProblem: as `run_guarded` does.
    """
    first = run_guarded(engine, planes, noise, rules, ladder)
    if count == 1:
        return first
    total, warnings = root(first.picture), list(first.warnings)
    for view in VIEWS[1:count]:
        seen = run_guarded(engine, turned(planes, view), told(noise, view), rules, ladder)
        total += root(turned_back(seen.picture, view))
        warnings += [warning for warning in seen.warnings if warning not in warnings]
    total /= np.float32(count)
    return replace(first, picture=total * np.abs(total), warnings=tuple(warnings))


def root(picture: FloatArray) -> FloatArray:
    """Return the square root of light, with the sign of what is below black."""
    return np.copysign(np.sqrt(np.abs(picture)), picture)


def turned(planes: FloatArray, view: View) -> FloatArray:
    """Return planes (4, h, w) as seen from a side; a mirrored side is one cell longer."""
    if view.columns:
        planes = mirrored(planes)
    if view.rows:
        planes = transposed(mirrored(transposed(planes)))
    return np.ascontiguousarray(transposed(planes) if view.transposed else planes)


def told(noise: FloatArray, view: View) -> FloatArray:
    """Return the noise (8,) of the planes as seen from a side."""
    return noise.reshape(2, 4)[:, TRANSPOSED].reshape(8) if view.transposed else noise


def transposed(planes: FloatArray) -> FloatArray:
    """Exchange rows and columns: (4, h, w) -> (4, w, h)."""
    return planes[TRANSPOSED].transpose(0, 2, 1)


def mirrored(planes: FloatArray) -> FloatArray:
    """Mirror the columns about a red pixel beyond the last cell: (4, h, w) -> (4, h, w + 1).

    R and G2 stand in the first column of a cell, G and B in the second, so these move by one cell.
    What is missing at the ends is the frame's own reflection, as where a phase needs a border.
    """
    red, green, blue, green2 = planes[..., ::-1]

    def first_column(plane: FloatArray) -> FloatArray:
        return np.concatenate([plane[:, :1], plane], 1)

    def second_column(plane: FloatArray) -> FloatArray:
        return np.concatenate([plane, plane[:, -1:]], 1)

    return np.stack(
        [first_column(red), second_column(green), second_column(blue), first_column(green2)]
    )


def turned_back(picture: FloatArray, view: View) -> FloatArray:
    """Return a picture (C, H, W) of a view as the frame lies, its added borders cut."""
    if view.transposed:
        picture = picture.transpose(0, 2, 1)
    if view.rows:
        picture = picture[:, -2:0:-1]
    if view.columns:
        picture = picture[:, :, -2:0:-1]
    return picture
