"""Recipe: dark RAW file -> clean picture."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.batch.plan import Job
from darkroom.camera.bayer import plane_gains, planes_of, visible
from darkroom.camera.exposure import RatioChoice, RatioSpec, choose_ratio
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.camera.read import read_raw
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.inference.engine import TorchEngine, choose_device, make_engine
from darkroom.inference.memory import most_pixels
from darkroom.inference.tiling import Grid, fixed_grid, plan_grid, run_tiled
from darkroom.picture.guided_filter import guided_filter
from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata, without_gps
from darkroom.picture.png import write_png
from darkroom.picture.render import camera_to_srgb, quantise, render
from darkroom.picture.tiff import write_tiff
from darkroom.publish import publish
from darkroom.zoo.card import Card
from darkroom.zoo.find import locate
from darkroom.zoo.weights import build_network, load_weights

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]

WRITERS = {"tiff": write_tiff, "png": write_png}
RETRIES = 4  # tiles are halved this often when memory runs out


@dataclass(frozen=True)
class GuidedFilter:
    """Settings of the optional guided-filter pass."""

    radius: int
    eps: float


@dataclass(frozen=True)
class Settings:
    """How to enhance; one value for a whole batch.

    Attributes:
        ratio: how much brighter.
        model: name or weights file.
        device: auto, cpu or cuda.
        tile: core of a tile in packed pixels; None chooses, 0 takes the whole frame.
        max_memory: bytes to stay under, None for a share of what is free.
        strength: scales the deviation of the noise that the network is told.
        tone: name in `picture.tone.TONES`.
        guided_filter: the pass after the network, None for none.
        format: "tiff" or "png".
        strip_gps: leave the place out of the output.
        overwrite: replace existing outputs.
    """

    ratio: RatioSpec
    model: str = "fast-unet"
    device: str = "auto"
    tile: int | None = None
    max_memory: int | None = None
    strength: float = 1.0
    tone: str = "standard"
    guided_filter: GuidedFilter | None = None
    format: str = "tiff"
    strip_gps: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Enhancer:
    """A model ready to run, and how to use it."""

    settings: Settings
    card: Card
    engine: TorchEngine
    reference: RawImage | None = None


@dataclass(frozen=True)
class Report:
    """What happened to one file, for its record."""

    camera: str
    ratio: float
    ratio_reason: str
    noise_source: str
    model: str
    device: str
    tile: str
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def load_enhancer(settings: Settings) -> Enhancer:
    """Find, verify and load the model.

    Raises:
        EnvironmentProblem: weights or device are missing or unusable.
        UsageProblem: the reference frame of `match:` cannot be read.
    """
    device = choose_device(settings.device)
    weights = load_weights(locate(settings.model))
    engine = make_engine(build_network(weights, device=device), device=device)
    return Enhancer(settings, weights.card, engine, read_reference(settings.ratio))


def read_reference(ratio: RatioSpec) -> RawImage | None:
    """Read the frame whose exposure is to be matched, if one is named."""
    if ratio.reference is None:
        return None
    try:
        return read_raw(ratio.reference)
    except FileProblem as problem:
        raise UsageProblem(f"--ratio match: {ratio.reference}: {problem.what}") from None


def enhance_file(job: Job, enhancer: Enhancer) -> Report:
    """Read one file, enhance it, publish the picture, and say what was done.

    Raises:
        FileProblem: this file cannot be read, enhanced or written.
    """
    settings, clock = enhancer.settings, Stopwatch()
    with clock("read"):
        raw = read_raw(job.source)
        choice = choose_ratio(settings.ratio, raw, enhancer.reference)
        noise, noise_source = noise_level(raw)
    with clock("network"):
        picture, grid = enhance(raw, choice.ratio, noise, enhancer)
    with clock("render"):
        pixels = finish(picture, raw, choice, enhancer)
    with clock("write"):
        write = partial(
            WRITERS[settings.format], pixels=pixels, metadata=metadata_of(raw, enhancer)
        )
        publish(job.target, write, overwrite=settings.overwrite)
    return Report(
        camera=raw.camera,
        ratio=choice.ratio,
        ratio_reason=choice.reason,
        noise_source=noise_source,
        model=f"{enhancer.card.name} {enhancer.card.version}",
        device=f"{enhancer.engine.device} {enhancer.engine.precision}",
        tile=str(grid),
        seconds=clock.seconds,
        warnings=raw.warnings + choice.warnings,
    )


def enhance(
    raw: RawImage, ratio: float, noise: NoiseLevel, enhancer: Enhancer
) -> tuple[FloatArray, Grid]:
    """Run the network on a frame: the picture (3, H, W) in the card's output space, and its tiles.

    Args:
        raw: the frame.
        ratio: amplification.
        noise: the frame's noise, before amplification and white balance.
        enhancer: the model.
    """
    card = enhancer.card
    balance = raw.white_balance if card.input_space == "balanced-planes" else (1.0, 1.0, 1.0)
    red, green, blue, green2 = (ratio * gain for gain in plane_gains(balance))
    planes = planes_of(raw)
    planes *= np.array((red, green, blue, green2), np.float32)[:, None, None]
    if card.clip:
        np.clip(planes, 0, 1, out=planes)
    level = noise.amplified((red, green, blue, green2)).scaled(enhancer.settings.strength)
    told = np.array([*level.shot, *level.read], np.float32)
    picture, grid = run_within_memory(planes, told, enhancer)
    return visible(picture, raw), grid


def run_within_memory(
    planes: FloatArray, noise: FloatArray, enhancer: Enhancer
) -> tuple[FloatArray, Grid]:
    """Run the network in as few tiles as memory allows; halve them when it runs out after all.

    Tiles the user asked for are never changed: then the error says what to do.
    """
    settings, card = enhancer.settings, enhancer.card
    shape = (planes.shape[1], planes.shape[2])
    alignment = card.multiple_of
    if settings.tile is not None:
        core = settings.tile or max(shape) + alignment
        grid = fixed_grid(shape, core=core, halo=card.halo, multiple_of=alignment)
        return run_tiled(partial(enhancer.engine.run, noise=noise), planes, grid), grid
    most = most_pixels(enhancer.engine, settings.max_memory, shape=shape, halo=card.halo)
    for attempt in range(RETRIES + 1):
        grid = plan_grid(
            shape, halo=card.halo, multiple_of=alignment, most_pixels=most // 2**attempt
        )
        try:
            picture = run_tiled(partial(enhancer.engine.run, noise=noise), planes, grid)
        except FileProblem as problem:
            out_of_memory = problem.code in (FailureCode.OOM_DEVICE, FailureCode.OOM_HOST)
            if not out_of_memory or attempt == RETRIES:
                raise
        else:
            return picture, grid
    raise AssertionError("unreachable")


def finish(picture: FloatArray, raw: RawImage, choice: RatioChoice, enhancer: Enhancer) -> Pixels:
    """Turn the network's picture into pixels: guided filter, colour, tone, orientation."""
    settings = enhancer.settings
    if not picture.any():
        raise FileProblem(
            FailureCode.BLACK, "the enhanced picture is entirely black", "try a larger --ratio"
        )
    if settings.guided_filter:
        picture = smooth(picture, settings.guided_filter)
    if enhancer.card.output_space == "srgb":
        return quantise(picture, orientation=raw.orientation)
    red, green, blue = raw.white_balance
    return render(
        picture,
        camera_to_srgb=camera_to_srgb(raw.xyz_to_camera),
        tone=settings.tone,
        orientation=raw.orientation,
        saturation=(red * choice.ratio, green * choice.ratio, blue * choice.ratio),
    )


def smooth(picture: FloatArray, settings: GuidedFilter) -> FloatArray:
    """Smooth a picture (3, H, W) along its own edges.

    The filter works on square roots, which code light nearly as the eye does: one `eps` then
    means the same in shadows and highlights. The guide is their mean over the channels.
    """
    root = np.sqrt(np.maximum(np.moveaxis(picture, 0, -1), 0))
    filtered = guided_filter(root.mean(-1), root, radius=settings.radius, eps=settings.eps)
    return np.moveaxis(np.maximum(filtered, 0) ** 2, -1, 0)


def metadata_of(raw: RawImage, enhancer: Enhancer) -> PictureMetadata:
    """Return what the output file says about the photograph."""
    settings = enhancer.settings
    is_linear = settings.tone == "linear" and enhancer.card.output_space != "srgb"
    return PictureMetadata(
        exif=without_gps(raw.exif) if settings.strip_gps else raw.exif,
        icc=icc_profile("linear-srgb" if is_linear else "srgb"),
        software=f"darkroom {__version__}",
    )


class Stopwatch:
    """Seconds spent in each named stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a `with` block."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - started, 4)
