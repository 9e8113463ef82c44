"""Dark frames with a known truth for the quality benchmarks, and the peers that develop them."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import rawpy

from darkroom.batch.decoder import Decoder
from darkroom.batch.plan import single_job
from darkroom.camera.exposure import parse_ratio
from darkroom.enhance import Enhancer, Settings, enhance_file, load_enhancer
from darkroom.picture.load import load_picture
from darkroom.picture.tone import srgb_encode
from darkroom.simulate import SimulateSettings, simulate_file

Srgb = npt.NDArray[np.float32]
Method = Callable[[Path, float], Srgb]

# OpenCV's non-local means at every strength worth trying: (h, hColor) for windows 7 and 21.
NLM_STRENGTHS = ((5, 10), (10, 20), (15, 30), (20, 40), (30, 60), (40, 80))


@dataclass(frozen=True)
class Condition:
    """A camera in the dark."""

    camera: str
    iso: float
    ratio: float

    def __str__(self) -> str:
        """Name the condition as tables do."""
        return f"{self.camera} ISO {self.iso:g} x{self.ratio:g}"


def dark_frames(truths: list[Path], condition: Condition) -> Iterator[tuple[Srgb, Path]]:
    """Yield each truth in sRGB [0, 1] and the DNG of its dark frame (deleted afterwards)."""
    for seed, truth in enumerate(truths):
        with tempfile.TemporaryDirectory() as folder:
            dng = Path(folder) / f"{truth.stem}.dng"
            settings = SimulateSettings(
                camera=condition.camera, iso=condition.iso, ratio=condition.ratio, seed=seed
            )
            simulate_file(truth, dng, settings)
            yield load_picture(truth), dng


def enhancer_for(model: str, ratio: float) -> Enhancer:
    """Return darkroom ready to brighten by `ratio` onto the plain sRGB curve."""
    settings = Settings(ratio=parse_ratio(f"{ratio:g}"), model=model, tone="srgb")
    return load_enhancer(settings, Decoder())


def by_darkroom(enhancer: Enhancer) -> Method:
    """Return the method that enhances a file as the command does and reads its output."""

    def method(dng: Path, ratio: float) -> Srgb:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "out.tif"
            enhance_file(single_job(dng, target), enhancer)
            return load_picture(target)

    return method


def libraw_ahd(dng: Path, ratio: float) -> Srgb:
    """Develop with LibRaw's AHD at the known ratio, in linear light, without any look.

    `adjust_maximum_thr=0`: its default brightens frames whose maximum is near white.
    """
    with rawpy.imread(str(dng)) as raw:
        linear = raw.postprocess(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD,
            use_camera_wb=True,
            no_auto_bright=True,
            gamma=(1, 1),
            output_bps=16,
            adjust_maximum_thr=0,
        )
    bright = np.minimum(linear.astype(np.float32) / 65535 * np.float32(ratio), 1)
    return srgb_encode(bright).astype(np.float32)


def non_local_means(h: float, h_colour: float) -> Method:
    """Return LibRaw followed by OpenCV's non-local means on the 8-bit sRGB picture."""

    def method(dng: Path, ratio: float) -> Srgb:
        srgb8 = np.rint(libraw_ahd(dng, ratio) * 255).astype(np.uint8)
        cleaned = cv2.fastNlMeansDenoisingColored(srgb8, None, h, h_colour, 7, 21)
        return np.asarray(cleaned, np.float32) / 255

    return method


def peers() -> dict[str, Method]:
    """Return every peer by the name it has in tables."""
    nlm = {f"LibRaw + NLM h={h} hColor={c}": non_local_means(h, c) for h, c in NLM_STRENGTHS}
    return {"LibRaw AHD": libraw_ahd, **nlm}
