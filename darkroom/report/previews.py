"""Previews of files: finished pictures, and RAW files as dark as they are."""

from pathlib import Path

from darkroom.batch.decoder import Decoder
from darkroom.camera.bayer import binned
from darkroom.camera.raw import RawImage
from darkroom.camera.read import is_raw_name
from darkroom.picture.drawing import Pixels
from darkroom.picture.load import load_picture
from darkroom.picture.preview import LONGEST, jpeg_bytes, levels_preview, preview_of
from darkroom.picture.render import camera_to_srgb, render
from darkroom.picture.resampling import shape_within, shrunk


def preview_jpeg(path: Path, decoder: Decoder, longest: int = LONGEST) -> bytes:
    """Return a file as a small upright JPEG.

    Args:
        path: a PNG, TIFF or JPEG, or a RAW file by its name.
        decoder: reads RAW files.
        longest: side of the preview in pixels, at most.

    Raises:
        FileProblem: the file cannot be read.
    """
    if is_raw_name(path):
        return jpeg_bytes(raw_preview(decoder.read(path, allow_suspect=True).raw, longest))
    return jpeg_bytes(preview_of(load_picture(path), longest))


def raw_preview(raw: RawImage, longest: int = LONGEST) -> Pixels:
    """Return a frame as it was exposed, not amplified, (h, w, 3), upright."""
    linear = binned(raw)
    _, rows, columns = linear.shape
    small = shrunk(linear, shape_within((rows, columns), longest))
    matrix = camera_to_srgb(raw.xyz_to_camera)
    levels = render(small, camera_to_srgb=matrix, tone="srgb", orientation=raw.orientation)
    return levels_preview(levels, longest)
