"""Small pictures for people to look at: shrunk, in 8 bits, as JPEG or PNG."""

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.picture.comparison import LARGEST, pixels_of, resized
from darkroom.picture.drawing import Pixels, false_colours
from darkroom.picture.resampling import shape_within

LONGEST = 960  # longest side of a preview, in pixels
QUALITY = 88  # of a JPEG, of 100


def preview_of(srgb: npt.NDArray[np.float32], longest: int = LONGEST) -> Pixels:
    """Return a picture (H, W, 3) in [0, 1] in 8 bits, its longest side at most `longest`.

    A pixel of the preview is the mean of the pixels that it stands for.
    """
    return pixels_of(shrunk_to(srgb, longest))


def levels_preview(levels: npt.NDArray[np.uint16], longest: int = LONGEST) -> Pixels:
    """Return the same of a picture (H, W, 3) in 16 bits."""
    return preview_of(levels.astype(np.float32) / np.float32(65535), longest)


def map_preview(differences: npt.NDArray[np.float32], longest: int = LONGEST) -> Pixels:
    """Return differences (H, W), from 0 to 50 and beyond, in false colours and as small."""
    return false_colours(shrunk_to(differences, longest) / LARGEST)


def shrunk_to(picture: npt.NDArray[np.float32], longest: int) -> npt.NDArray[np.float32]:
    """Shrink (H, W) or (H, W, 3) until its longest side is `longest`, but never enlarge."""
    rows, columns = shape_within((picture.shape[0], picture.shape[1]), longest)
    return resized(picture, (columns, rows))


def jpeg_bytes(pixels: Pixels) -> bytes:
    """Return pixels as a JPEG file without metadata."""
    return _encoded(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def png_bytes(pixels: Pixels) -> bytes:
    """Return pixels as an 8-bit PNG file without metadata; nothing is lost."""
    return _encoded(".png", pixels, [])


def _encoded(suffix: str, pixels: Pixels, options: list[int]) -> bytes:
    is_done, content = cv2.imencode(suffix, np.ascontiguousarray(pixels[..., ::-1]), options)
    assert is_done  # it fails for pictures without pixels only
    return content.tobytes()
