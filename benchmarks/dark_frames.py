"""Dark frames with a known truth for the quality benchmarks, and what develops them."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
Setting = dict[str, Any]


@dataclass(frozen=True)
class Condition:
    """A camera in the dark."""

    camera: str
    iso: float
    ratio: float

    def __str__(self) -> str:
        """Name the condition as tables do."""
        return f"{self.camera} ISO {self.iso:g} x{self.ratio:g}"


Develop = Callable[[list[Path], Condition, Setting], Iterator[Srgb]]


@dataclass(frozen=True)
class Method:
    """A row of the tables: what develops DNGs, in order.

    Attributes:
        develop: gives the pictures.
        grid: settings to choose from, by rising strength; the only one is the tool's default.
        program: what has to be installed beside the Python packages.
    """

    develop: Develop
    grid: tuple[Setting, ...] = ({},)
    program: str = ""


def parse_condition(text: str) -> Condition:
    """Read CAMERA:ISO:RATIO.

    >>> str(parse_condition("sony-a7s2:3200:100"))
    'sony-a7s2 ISO 3200 x100'
    """
    camera, iso, ratio = text.split(":")
    return Condition(camera, float(iso), float(ratio))


def make_frame(truth: Path, condition: Condition, seed: int, folder: Path) -> Path:
    """Write the dark frame of a truth as a DNG into `folder`; equal seeds make equal frames."""
    dng = folder / f"{truth.stem}.dng"
    camera, iso, ratio = condition.camera, condition.iso, condition.ratio
    simulate_file(truth, dng, SimulateSettings(camera=camera, iso=iso, ratio=ratio, seed=seed))
    return dng


def enhancer_for(model: str, ratio: float) -> Enhancer:
    """Return darkroom ready to brighten by `ratio` onto the plain sRGB curve."""
    settings = Settings(ratio=parse_ratio(f"{ratio:g}"), model=model, tone="srgb")
    return load_enhancer(settings, Decoder())


def by_darkroom(enhancer: Enhancer) -> Callable[[Path, float], Srgb]:
    """Return what enhances a file as the command does and reads its output."""

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
    return brightened(linear.astype(np.float32) / 65535, ratio)


def brightened(linear: Srgb, ratio: float) -> Srgb:
    """Brighten linear light and encode it by the sRGB curve, clipped at white."""
    return srgb_encode(np.minimum(linear * np.float32(ratio), 1)).astype(np.float32)
