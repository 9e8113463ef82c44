"""A square look at a picture: shifted, scaled, tilted, stretched, mirrored in one step."""

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


def view_of_square(
    size: int,
    *,
    centre: tuple[float, float],
    scale: float,
    tilt: float = 0.0,
    stretch: float = 1.0,
    mirrored: bool = False,
) -> Matrix:
    """Return the affine map (2, 3) from picture to view, both in pixels, x before y.

    Args:
        size: edge of the view.
        centre: the point of the picture in its middle, x and y from the corner of the first pixel.
        scale: pixels of the view to one of the picture.
        tilt: rotation in radians.
        stretch: of its width.
        mirrored: whether left and right change places.
    """
    cosine, sine = scale * np.cos(tilt), scale * np.sin(tilt)
    across = -stretch if mirrored else stretch
    turn = np.array([[cosine * across, -sine], [sine * across, cosine]])
    middle, half = np.array(centre) - 0.5, np.array([size, size]) / 2 - 0.5
    return np.column_stack([turn, half - turn @ middle])


def looked_at(pixels: npt.NDArray[np.uint8], view: Matrix, size: int) -> FloatArray:
    """Return a view, 0..1, (size, size) or (size, size, 3), of a picture in bytes.

    Bilinear; beyond its borders the picture is mirrored.
    """
    seen = cv2.warpAffine(
        pixels, view, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(seen, np.float32) / np.float32(255)
