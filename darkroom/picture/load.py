"""Finished pictures in: PNG, TIFF and JPEG of 8 or 16 bits as one kind of array."""

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from darkroom.errors import FailureCode, FileProblem

KINDS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\xff\xd8\xff": "JPEG",
}
HIGHEST = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}
COPY_AGAIN = "copy it again from where it came from"


def load_picture(path: str | os.PathLike[str]) -> npt.NDArray[np.float32]:
    """Read a PNG, TIFF or JPEG as (H, W, 3) float32 in [0, 1], upright, RGB.

    The values stay encoded as they are in the file (sRGB for ordinary pictures). Grey pictures
    get three equal channels, transparency is dropped.

    Raises:
        FileProblem: the file is missing, empty, damaged or of another kind.
    """
    pixels = _decode(_content(Path(path)))
    if pixels.dtype not in HIGHEST:
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            f"its pixels are {pixels.dtype}, not whole numbers of 8 or 16 bits",
            "save it as a 16-bit picture",
        )
    return pixels.astype(np.float32) / np.float32(HIGHEST[pixels.dtype])


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


def _decode(content: bytes) -> npt.NDArray[np.generic]:
    """Decode at the picture's own depth; imageio would cut 16-bit PNGs down to 8 bits.

    From memory, not from the path: `cv2.imread` fills the missing rest of a JPEG and says nothing.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # three channels, upright, any depth
    try:
        bgr = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:  # more pixels than OpenCV takes, and other oddities
        bgr = None
    if bgr is None:
        kind = next(name for start, name in KINDS.items() if content.startswith(start))
        raise FileProblem(
            FailureCode.CORRUPT, f"this {kind} is damaged, cut short or of a rare kind", COPY_AGAIN
        )
    return np.ascontiguousarray(bgr[..., ::-1])
