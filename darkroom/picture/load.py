"""Finished pictures in: PNG, TIFF and JPEG of 8 or 16 bits as one kind of array."""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.zstd_tiff import zstd_pixels

Levels = npt.NDArray[np.integer]

KINDS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\xff\xd8\xff": "JPEG",
}
SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg"})
# What a colour picture counts as grey, in shares of blue, green, red: as OpenCV orders them.
CHANNELS = {
    "red": (0.0, 0.0, 1.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (1.0, 0.0, 0.0),
    "mean": (1 / 3, 1 / 3, 1 / 3),
}
NEARLY_GREY = 2 / 255  # what JPEG makes of three equal channels
STRIP = 256  # rows at a time
HIGHEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
COPY_AGAIN = "copy it again from where it came from"


def load_picture(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """Read a PNG, TIFF or JPEG as (H, W, 3) float32 in [0, 1], upright, RGB.

    The values stay encoded as they are in the file (sRGB for ordinary pictures). Grey pictures
    get three equal channels, transparency is dropped.

    Raises:
        FileProblem: the file is missing, empty, damaged or of another kind.
    """
    pixels = _pixels(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    rgb = np.ascontiguousarray(pixels[..., ::-1])
    return rgb.astype(np.float32) / np.float32(HIGHEST[pixels.dtype])


def load_grey(
    path: str | os.PathLike[str], *, channel: str | None = None
) -> npt.NDArray[np.float32]:
    """Read a PNG, TIFF or JPEG as (H, W) float32 in [0, 1], upright, coded as it is in the file.

    A file of three channels counts as grey if they are equal but for the noise of a JPEG.

    Args:
        path: the file.
        channel: what to take of a colour picture, a name in `CHANNELS`; None refuses them.

    Raises:
        FileProblem: as `load_picture` does; UNSUPPORTED, too, for a colour picture.
    """
    pixels = _pixels(path, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    highest = np.float32(HIGHEST[pixels.dtype])
    if pixels.ndim == 2:
        return pixels.astype(np.float32) / highest
    if channel is None and _colourfulness(pixels) > NEARLY_GREY * highest:
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            "is a colour picture, where a near-infrared one is needed",
            "if one of its channels is near-infrared, name it with --channel",
        )
    weights = np.array(CHANNELS[channel or "mean"], np.float32)
    grey = np.empty(pixels.shape[:2], np.float32)
    for top in range(0, len(pixels), STRIP):
        grey[top : top + STRIP] = pixels[top : top + STRIP].astype(np.float32) @ weights / highest
    return grey


def is_picture_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file name ends like a picture's, upper or lower case.

    >>> is_picture_name("nir.PNG"), is_picture_name("nir.dng")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in SUFFIXES  # noqa: PTH122 - Paths are slow


def _pixels(path: str | os.PathLike[str], flags: int) -> Levels:
    """Return the pixels of a file as OpenCV gives them: (H, W), or (H, W, 3) in BGR."""
    pixels = _decode(_content(Path(path)), flags)
    if pixels.dtype not in HIGHEST:
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            f"its pixels are {pixels.dtype}, not whole numbers of 8 or 16 bits",
            "save it as a 16-bit picture",
        )
    return pixels


def _colourfulness(bgr: Levels) -> float:
    """Return the mean difference of red or blue from green, the larger of the two."""
    blue, green, red = cv2.split(bgr)
    return max(float(cv2.mean(cv2.absdiff(green, other))[0]) for other in (red, blue))


def _content(path: Path) -> bytes:
    if not path.is_file():
        what = "it is not an ordinary file" if path.exists() else "there is no such file"
        raise FileProblem(FailureCode.NOT_REGULAR, what, "check the name")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileProblem(FailureCode.CORRUPT, f"it cannot be read: {error.strerror}") from error
    if not content:
        raise FileProblem(FailureCode.EMPTY, "the file has 0 bytes", COPY_AGAIN)
    if not content.startswith(tuple(KINDS)):
        raise FileProblem(FailureCode.UNSUPPORTED, "it is not a PNG, TIFF or JPEG picture")
    return content


def _decode(content: bytes, flags: int) -> Levels:
    """Decode at the picture's own depth; imageio would cut 16-bit PNGs down to 8 bits.

    From memory, not from the path: `cv2.imread` fills the missing rest of a JPEG and says nothing.
    """
    ours = zstd_pixels(content)
    if ours is not None:
        return np.ascontiguousarray(ours[..., ::-1])
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV takes, and other oddities
        pixels = None
    if pixels is None:
        kind = next(name for start, name in KINDS.items() if content.startswith(start))
        raise FileProblem(
            FailureCode.CORRUPT, f"this {kind} is damaged, cut short or of a rare kind", COPY_AGAIN
        )
    return np.asarray(pixels)
