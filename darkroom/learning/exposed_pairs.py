"""What a protocol compares of a short and a long exposure: planes, or finished pictures."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from darkroom.camera.bayer import CELL, plane_gains, planes_of, start_on_red, visible
from darkroom.camera.exposure import light_ratio
from darkroom.camera.libraw_picture import libraw_picture
from darkroom.camera.raw import RawImage
from darkroom.errors import FailureCode, FileProblem
from darkroom.learning.pair_frames import TRUTH_WHITE, truth_of
from darkroom.learning.pair_lists import PairFiles
from darkroom.measure.protocols import Protocol
from darkroom.picture.render import camera_to_srgb, render

FloatArray = npt.NDArray[np.float32]
WHITE = np.float32(65535)


@dataclass(frozen=True)
class Exposed:
    """A short exposure and what a model should make of it.

    Attributes:
        frame: the short exposure, with the white balance, colour matrix and orientation of the
            long one: cameras guess badly in the dark.
        ratio: how much more light the long one got, at most what the protocol allows.
        truth: (h, w, 4) planes or (H, W, 3) sRGB, in 0..1.
    """

    frame: RawImage
    ratio: float
    truth: FloatArray


def exposed(pair: PairFiles, short: RawImage, long: RawImage, protocol: Protocol) -> Exposed:
    """Return what is compared of two frames.

    Raises:
        FileProblem: they do not belong together, or do not say how they were exposed.
    """
    if short.mosaic.shape != long.mosaic.shape or short.phase != long.phase:
        raise FileProblem(
            FailureCode.UNSUPPORTED,
            "the long exposure differs in size or colour pattern",
            "both must be of one camera and one setting",
        )
    frame = replace(
        short,
        white_balance=long.white_balance,
        xyz_to_camera=long.xyz_to_camera,
        orientation=long.orientation,
    )
    ratio = min(pair.ratio or stated_ratio(short, long), protocol.most_ratio)
    return Exposed(frame, ratio, truth_under(protocol, pair, long))


def stated_ratio(short: RawImage, long: RawImage) -> float:
    """Return how much more light the long exposure got, as both files state it.

    Raises:
        FileProblem: one does not state it, or the long one got less.
    """
    if short.exposure.light is None or long.exposure.light is None:
        raise FileProblem(
            FailureCode.METADATA,
            "neither names nor files say how the two were exposed",
            "name the ratio in a CSV list",
        )
    ratio, _ = light_ratio(long.exposure, short.exposure)
    if ratio < 1:
        raise FileProblem(
            FailureCode.METADATA, "the long exposure got less light", "are short and long swapped?"
        )
    return ratio


def truth_under(protocol: Protocol, pair: PairFiles, long: RawImage) -> FloatArray:
    """Return the long exposure as a protocol takes it."""
    if protocol.domain == "raw":
        return np.moveaxis(np.clip(planes_of(long), 0, 1), 0, -1)
    if protocol.tone == "libraw":
        return srgb_of(libraw_picture(pair.long))
    linear = truth_of(long).astype(np.float32) / np.float32(TRUTH_WHITE)
    picture = render(
        visible(linear, long),
        camera_to_srgb=camera_to_srgb(long.xyz_to_camera),
        tone=protocol.tone,
        orientation=long.orientation,
        saturation=long.white_balance,
    )
    return srgb_of(picture)


def srgb_of(pixels: npt.NDArray[np.uint16]) -> FloatArray:
    """Return finished pixels in 0..1."""
    return pixels.astype(np.float32) / WHITE


def planes_from(linear: FloatArray, frame: RawImage) -> FloatArray:
    """Return what each pixel of the sensor would have seen of a picture, cut to 0..1.

    Args:
        linear: (3, H, W) white-balanced linear camera RGB.
        frame: the frame it was made of.

    Returns:
        (h, w, 4) planes R, G, B, G2 before white balance, as `planes_of` has those of a frame.

    Raises:
        FileProblem: the picture holds NaN or infinity.
    """
    if not np.isfinite(linear).all():
        raise FileProblem(
            FailureCode.NONFINITE,
            "the enhanced picture holds values that are not numbers",
            "try another model or --device cpu",
        )
    channels = [start_on_red(channel, frame.phase) for channel in linear]
    gains = plane_gains(frame.white_balance)
    planes = [
        channels[index][row::2, column::2] / np.float32(gain)
        for index, gain, (row, column) in zip((0, 1, 2, 1), gains, CELL, strict=True)
    ]
    return np.clip(np.stack(planes, axis=-1), 0, 1)
