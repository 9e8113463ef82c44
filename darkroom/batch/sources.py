"""Files of near-infrared or colour pictures, read as the planes that colour networks take."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from darkroom.batch.decoder import Decoder
from darkroom.batch.pictures import doubts_about
from darkroom.camera.exif import read_exif
from darkroom.camera.near_infrared import near_infrared
from darkroom.camera.raw import ExifEntry
from darkroom.camera.read import is_raw_name
from darkroom.errors import FailureCode, FileProblem
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.render import turn
from darkroom.picture.tone import srgb
from darkroom.regular_file import open_regular

FloatArray = npt.NDArray[np.float32]

LOOK = "look at the input; it may be damaged"
DEVELOP = "save it as a grey 16-bit TIFF with another program, and colour that without --from-raw"


@dataclass(frozen=True)
class Source:
    """What a file holds: planes (C, H, W), upright and coded in [0, 1], and what it tells."""

    planes: FloatArray
    camera: str = ""
    exif: tuple[ExifEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read_source(
    path: Path,
    decoder: Decoder | None,
    *,
    is_rgb: bool = False,
    channel: str | None = None,
    allow_suspect: bool = False,
) -> Source:
    """Read a file as planes: three of a colour picture, else one.

    Args:
        path: the file.
        decoder: reads RAW files of converted cameras; None reads pictures.
        is_rgb: keep the colours of a picture.
        channel: of colour files, as `picture.load.load_grey` takes it.
        allow_suspect: note what looks damaged instead of refusing it.

    Raises:
        FileProblem: it cannot be read, is of the other kind, or shows nothing.
    """
    if decoder is not None:
        source = read_converted(path, decoder, allow_suspect=allow_suspect)
    elif is_raw_name(path):
        raise FileProblem(FailureCode.UNSUPPORTED, "it is a RAW file", "try --from-raw")
    else:
        coded = load_picture(path) if is_rgb else load_grey(path, channel=channel)
        with open_regular(path) as file:
            source = Source(planes_of(coded), exif=read_exif(file))
    flat = "" if np.ptp(source.planes) else "one single grey"
    doubts = doubts_about("the picture", flat, advice=LOOK, allow_suspect=allow_suspect)
    return replace(source, doubts=source.doubts + doubts)


def read_converted(path: Path, decoder: Decoder, *, allow_suspect: bool) -> Source:
    """Read a RAW file of a converted camera: grey, upright, coded by the sRGB curve.

    Raises:
        FileProblem: it cannot be read.
    """
    try:
        raw = decoder.read(path, allow_suspect=allow_suspect, monochrome=True).raw
    except FileProblem as problem:
        advice = DEVELOP if problem.code is FailureCode.NOT_BAYER else problem.advice
        raise FileProblem(problem.code, problem.what, advice) from None
    coded = np.asarray(srgb(near_infrared(raw)), np.float32)[..., None]
    planes = planes_of(turn(coded, raw.orientation))
    return Source(planes, raw.camera, raw.exif, raw.warnings, raw.doubts)


def planes_of(coded: npt.NDArray[np.generic]) -> FloatArray:
    """Return a picture (H, W) or (H, W, C) as planes (C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(np.atleast_3d(coded), -1, 0), np.float32)
