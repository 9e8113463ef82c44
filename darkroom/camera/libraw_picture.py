"""A finished picture of a RAW file by LibRaw: what datasets of pairs take for the truth."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rawpy

from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.quiet import quiet_decoder
from darkroom.camera.refusals import decoder_errors
from darkroom.camera.source import open_regular, read_whole, unchanged


def libraw_picture(path: Path, limits: Limits = DEFAULT_LIMITS) -> npt.NDArray[np.uint16]:
    """Develop a RAW file as "Learning to See in the Dark" made its truths (Chen et al. 2018).

    LibRaw's AHD with the white balance of the camera, sRGB primaries, its default curve (power
    1 / 2.222, slope 4.5), no automatic brightening, 16 bits, upright. It runs in this process:
    read the file with `darkroom.batch.decoder` before, which proves that it can be decoded.

    Returns:
        (H, W, 3) uint16.

    Raises:
        FileProblem: the file is missing, damaged or of a kind that LibRaw does not read.
    """
    with open_regular(path, limits) as file, unchanged(file), quiet_decoder():
        content = io.BytesIO(read_whole(file))
        with decoder_errors(None), rawpy.imread(content) as raw:
            return np.asarray(
                raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16)
            )
