"""The colours of a mosaic that a network has denoised."""

import numpy as np
import numpy.typing as npt

from darkroom.picture.demosaic import demosaiced

FloatArray = npt.NDArray[np.float32]


def in_colours(picture: FloatArray, lacking: npt.ArrayLike) -> FloatArray:
    """Return camera RGB (3, H, W), demosaiced where a network gave the mosaic (1, H, W).

    Args:
        picture: three colours, which are returned as they are; or linear values of a mosaic, red
            first, black at 0 and white at 1, both sides even.
        lacking: gains of R, G, B that the mosaic's white balance still lacks.
    """
    if len(picture) != 1:
        return picture
    red, green, blue = np.asarray(lacking, np.float32)
    rows, columns = picture.shape[1:]
    gains = np.array([[red, green], [green, blue]])
    return demosaiced(picture[0] * np.tile(gains, (rows // 2, columns // 2)))
