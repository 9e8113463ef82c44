"""Recipe: dark RAW file -> clean picture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.batch.decoder import Decoder
from darkroom.batch.ledger import Intend, digest_of, noting
from darkroom.batch.outcome import Seen, look_at
from darkroom.batch.pictures import doubts_about, publish_picture
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.batch.stopwatch import Stopwatch
from darkroom.camera.bayer import plane_gains, planes_of, visible
from darkroom.camera.decoder_version import refuse_old_libraw
from darkroom.camera.exposure import RatioChoice, RatioSpec, choose_ratio
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.errors import FileProblem, UsageProblem
from darkroom.inference.guarded import Computed, Ladder, TileRules
from darkroom.inference.memory import resident
from darkroom.inference.views import run_views
from darkroom.picture.clean_mosaic import in_colours
from darkroom.picture.guided_filter import GuidedFilter, smooth_linear
from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata, without_gps
from darkroom.picture.render import camera_to_srgb, flatness, quantise, render
from darkroom.publish import Published
from darkroom.zoo.card import Card

if TYPE_CHECKING:
    from darkroom.inference.engine import TorchEngine

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]


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
        views: number of sides the frame is looked at from: 1, 2, 4 or 8.
        tone: name in `picture.tone.TONES`.
        guided_filter: the pass after the network, None for none.
        format: "tiff" or "png".
        strip_gps: leave the place out of the output.
        overwrite: replace existing outputs.
        allow_suspect: write what looks damaged, too, and say so.
        limits: what an input may cost.
    """

    ratio: RatioSpec
    model: str = "fast-unet"
    device: str = "auto"
    tile: int | None = None
    max_memory: int | None = None
    strength: float = 1.0
    views: int = 1
    tone: str = "standard"
    guided_filter: GuidedFilter | None = None
    format: str = "tiff"
    strip_gps: bool = False
    overwrite: bool = False
    allow_suspect: bool = False
    limits: Limits = DEFAULT_LIMITS

    def params(self) -> dict[str, object]:
        """Return what decides how an output looks, beside input and model."""
        names = ("strength", "views", "tone", "guided_filter", "format", "strip_gps")
        reference = self.ratio.reference
        return {name: getattr(self, name) for name in names} | {
            "ratio": replace(self.ratio, reference=None),
            "reference": reference and digest_of(reference),
        }


@dataclass(frozen=True)
class Enhancer:
    """A model and a decoder ready to run, and how to use them."""

    settings: Settings
    card: Card
    engine: "TorchEngine"
    decoder: Decoder
    intend: Intend | None = None
    reference: RawImage | None = None
    ladder: Ladder = field(default_factory=Ladder)


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
    suspect: bool = False
    published: Published | None = None
    seen: Seen | None = None
    retries: int = 0
    memory: int = 0
    worker_memory: int = 0

    def record(self) -> dict[str, object]:
        """Return the fields of the file's record that are this recipe's."""
        return {
            "ratio": self.ratio,
            "ratio_reason": self.ratio_reason,
            "noise": self.noise_source,
            "camera": self.camera,
            "model": self.model,
            "device": self.device,
            "tile": self.tile,
            "retries": self.retries,
            "rss_mb": self.memory >> 20,
            "worker_rss_mb": self.worker_memory >> 20,
            "seconds": self.seconds,
        }


@contextmanager
def enhancing(
    settings: Settings, intend: Intend | None = None
) -> Iterator[Callable[[Job], Report]]:
    """Yield what enhances one file after the other; its decoder ends with the block.

    Raises:
        EnvironmentProblem: weights, device or decoder are missing or unusable.
        UsageProblem: the reference frame of `match:` cannot be read.
    """
    with Decoder(settings.limits) as decoder:
        decoder.start()  # it boots while the model loads
        enhancer = load_enhancer(settings, decoder, intend)
        yield lambda job: enhance_file(job, enhancer)


@contextmanager
def enhancing_apart(settings: Settings, run: Run) -> Iterator[Callable[[Job], Report]]:
    """Yield the same in a process that has to note its intentions itself."""
    with noting(run) as intend, enhancing(settings, intend) as work:
        yield work


def load_enhancer(settings: Settings, decoder: Decoder, intend: Intend | None = None) -> Enhancer:
    """Find, verify and load the model; raise what `enhancing` raises."""
    # Here and no sooner: a batch is planned, and found to be done, without torch.
    from darkroom.inference.engine import choose_device, make_engine  # noqa: PLC0415
    from darkroom.zoo.weights import build_network, weights_for  # noqa: PLC0415

    refuse_old_libraw()
    device, weights = choose_device(settings.device), weights_for("enhance", settings.model)
    engine = make_engine(build_network(weights, device=device), device=device)
    reference = read_reference(settings.ratio, decoder)
    return Enhancer(settings, weights.card, engine, decoder, intend, reference)


def read_reference(ratio: RatioSpec, decoder: Decoder) -> RawImage | None:
    """Read the frame whose exposure is to be matched, if one is named."""
    if ratio.reference is None:
        return None
    try:
        return decoder.read(ratio.reference).raw
    except FileProblem as problem:
        raise UsageProblem(f"--ratio match: {ratio.reference}: {problem.what}") from None


def enhance_file(job: Job, enhancer: Enhancer) -> Report:
    """Read one file, enhance it, publish the picture, and say what was done.

    Raises:
        FileProblem: this file cannot be read, enhanced or written.
    """
    settings, clock, seen = enhancer.settings, Stopwatch(), look_at(job.source)
    with clock("read"):
        decoded = enhancer.decoder.read(job.source, allow_suspect=settings.allow_suspect)
        raw = decoded.raw
        choice = choose_ratio(settings.ratio, raw, enhancer.reference)
        noise, noise_source = noise_level(raw)
    with clock("network"):
        computed = enhance(raw, choice.ratio, noise, enhancer)
    with clock("render"):
        pixels = finish(computed.picture, raw, choice, enhancer)
        doubts = raw.doubts + doubts_about(
            "the enhanced picture",
            flatness(pixels),
            advice="try another --ratio",
            allow_suspect=settings.allow_suspect,
        )
    with clock("write"):
        published = publish_picture(
            job,
            seen,
            pixels,
            metadata_of(raw, enhancer),
            kind=settings.format,
            overwrite=settings.overwrite,
            intend=enhancer.intend,
        )
    return Report(
        camera=raw.camera,
        ratio=choice.ratio,
        ratio_reason=choice.reason,
        noise_source=noise_source,
        model=f"{enhancer.card.name} {enhancer.card.version}",
        device=f"{enhancer.engine.device} {enhancer.engine.precision}",
        tile=str(computed.grid),
        seconds=clock.seconds,
        warnings=raw.warnings + choice.warnings + computed.warnings + doubts,
        suspect=bool(doubts),
        published=published,
        seen=seen,
        retries=decoded.retries,
        memory=resident(),
        worker_memory=decoded.worker_rss,
    )


def enhance(raw: RawImage, ratio: float, noise: NoiseLevel, enhancer: Enhancer) -> Computed:
    """Run the network on a frame: (3, H, W) in the card's output space, raw planes demosaiced.

    Args:
        raw: the frame.
        ratio: amplification.
        noise: the frame's noise, before amplification and white balance.
        enhancer: the model.
    """
    card, settings, engine = enhancer.card, enhancer.settings, enhancer.engine
    balance = raw.white_balance if card.input_space == "balanced-planes" else (1.0, 1.0, 1.0)
    red, green, blue, green2 = (ratio * gain for gain in plane_gains(balance))
    planes = planes_of(raw)
    planes *= np.array((red, green, blue, green2), np.float32)[:, None, None]
    if card.clip:
        np.clip(planes, 0, 1, out=planes)
    level = noise.amplified((red, green, blue, green2)).scaled(settings.strength)
    told = np.array([*level.shot, *level.read], np.float32)
    rules = TileRules(card.halo, card.multiple_of, settings.tile, settings.max_memory)
    computed = run_views(engine, planes, told, rules, enhancer.ladder, count=settings.views)
    picture = in_colours(computed.picture, np.divide(raw.white_balance, balance))
    return replace(computed, picture=visible(picture, raw))


def finish(picture: FloatArray, raw: RawImage, choice: RatioChoice, enhancer: Enhancer) -> Pixels:
    """Turn the network's picture into pixels: guided filter, colour, tone, orientation."""
    settings = enhancer.settings
    if settings.guided_filter:
        picture = smooth_linear(picture, settings.guided_filter)
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


def metadata_of(raw: RawImage, enhancer: Enhancer) -> PictureMetadata:
    """Return what the output file says about the photograph."""
    settings = enhancer.settings
    is_linear = settings.tone == "linear" and enhancer.card.output_space != "srgb"
    return PictureMetadata(
        exif=without_gps(raw.exif) if settings.strip_gps else raw.exif,
        icc=icc_profile("linear-srgb" if is_linear else "srgb"),
        software=f"darkroom {__version__}",
    )
