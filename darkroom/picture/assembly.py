"""A finished picture that is put together from tiles, each rendered as soon as it is there.

So no frame needs a picture in floating point, which would be twice as large as the finished one.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from darkroom.picture.render import upright_frame

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint16]
Fill = Callable[[Levels, Floats], None]  # renders (3, h, w) into its place (h, w, 3)


class Assembly:
    """An upright picture (H, W, 3) that takes tiles as the sensor saw them.

    Args:
        shape: visible rows and columns, as the sensor saw them.
        offset: row and column, in the network's picture, of the first visible pixel: what lies
            before it, and after the last one, is cut.
        orientation: TIFF orientation 1..8 of the frame.
        fill: renders a tile; `picture.render.render_into` and `quantise_into` do.
    """

    def __init__(
        self, shape: tuple[int, int], offset: tuple[int, int], orientation: int, fill: Fill
    ) -> None:
        self.upright, self._view = upright_frame(*shape, orientation)
        self._offset, self._fill = offset, fill

    def add(self, tile: Floats, rows: slice, columns: slice) -> None:
        """Render a tile (3, h, w) that lies at these rows and columns of the network's picture."""
        height, width, _ = self._view.shape
        target_rows, kept_rows = visible(rows, self._offset[0], height)
        target_columns, kept_columns = visible(columns, self._offset[1], width)
        view = self._view[target_rows, target_columns]
        if view.size:  # else only what is cut
            self._fill(view, tile[:, kept_rows, kept_columns])


def visible(place: slice, offset: int, size: int) -> tuple[slice, slice]:
    """Return where a side of a tile lies in the visible frame, and which part of it that is.

    >>> visible(slice(0, 4), offset=1, size=6), visible(slice(4, 8), offset=1, size=6)
    ((slice(0, 3, None), slice(1, 4, None)), (slice(3, 6, None), slice(0, 3, None)))
    """
    start, stop = max(place.start - offset, 0), min(place.stop - offset, size)
    return slice(start, stop), slice(start + offset - place.start, stop + offset - place.start)
