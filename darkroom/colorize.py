"""Recipe: near-infrared picture -> colour."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.batch.decoder import Decoder
from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import Seen, look_at
from darkroom.batch.pictures import doubts_about, publish_picture
from darkroom.batch.plan import Job
from darkroom.batch.stopwatch import Stopwatch
from darkroom.camera.decoder_version import refuse_old_libraw
from darkroom.camera.exif import read_exif
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.near_infrared import near_infrared
from darkroom.camera.raw import ExifEntry
from darkroom.camera.read import is_raw_name
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.inference.guarded import Computed, Ladder, TileRules, run_guarded
from darkroom.inference.memory import resident
from darkroom.picture.detail import with_detail
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.picture.icc import icc_profile
from darkroom.picture.levels import levels_of
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.luminance import with_luminance
from darkroom.picture.metadata import PictureMetadata, without_gps
from darkroom.picture.render import flatness, turn
from darkroom.picture.resampling import enlarged, shape_within, shrunk
from darkroom.picture.tone import srgb
from darkroom.publish import Published
from darkroom.regular_file import open_regular
from darkroom.zoo.card import Card

if TYPE_CHECKING:
    from darkroom.inference.engine import TorchEngine

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]

LOOK = "look at the input; it may be damaged"
GUIDED = GuidedFilter(radius=5, eps=1e-5)
DEVELOP = "save it as a grey 16-bit TIFF with another program, and colour that without --from-raw"
UNTOLD = np.zeros(8, np.float32)  # the noise level, which colour networks do not look at


@dataclass(frozen=True)
class Settings:
    """How to colour; one value for a whole batch.

    Attributes:
        model: name or weights file.
        device: auto, cpu or cuda.
        tile: core of a tile in pixels; None chooses, 0 takes the whole picture.
        max_memory: bytes to stay under, None for a share of what is free.
        channel: of colour files, as `picture.load.load_grey` takes it.
        from_raw: the files are RAW files of converted cameras.
        guided_filter: what brings the detail back, None for none.
        keep_nir_luminance: share of the near-infrared picture in the lightness, 0 to 1.
        format: "tiff" or "png".
        strip_gps: leave the place out of the output.
        overwrite: replace existing outputs.
        allow_suspect: write what looks damaged, too, and say so.
        limits: what a RAW file may cost.
    """

    model: str = "nir-unet"
    device: str = "auto"
    tile: int | None = None
    max_memory: int | None = None
    channel: str | None = None
    from_raw: bool = False
    guided_filter: GuidedFilter | None = GUIDED
    keep_nir_luminance: float = 0.0
    format: str = "tiff"
    strip_gps: bool = False
    overwrite: bool = False
    allow_suspect: bool = False
    limits: Limits = DEFAULT_LIMITS

    def params(self) -> dict[str, object]:
        """Return what decides how an output looks, beside input and model."""
        names = ("channel", "from_raw", "guided_filter", "keep_nir_luminance", "format")
        return {name: getattr(self, name) for name in (*names, "strip_gps")}


@dataclass(frozen=True)
class Colorizer:
    """A model ready to run, and how to use it; the decoder is for RAW files."""

    settings: Settings
    card: Card
    engine: "TorchEngine"
    decoder: Decoder | None = None
    intend: Intend | None = None
    ladder: Ladder = field(default_factory=Ladder)


@dataclass(frozen=True)
class Source:
    """What a file holds: planes (C, H, W), upright and coded in [0, 1], and what it tells."""

    planes: FloatArray
    camera: str = ""
    exif: tuple[ExifEntry, ...] = ()
    warnings: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What happened to one file, for its record."""

    camera: str
    model: str
    device: str
    tile: str
    seconds: dict[str, float]
    warnings: tuple[str, ...] = ()
    suspect: bool = False
    published: Published | None = None
    seen: Seen | None = None
    memory: int = 0

    def record(self) -> dict[str, object]:
        """Return the fields of the file's record that are this recipe's."""
        return {
            "camera": self.camera or None,
            "model": self.model,
            "device": self.device,
            "tile": self.tile,
            "rss_mb": self.memory >> 20,
            "seconds": self.seconds,
        }


@contextmanager
def colorizing(
    settings: Settings, intend: Intend | None = None
) -> Iterator[Callable[[Job], Report]]:
    """Yield what colours one file after the other; its decoder ends with the block.

    Raises:
        EnvironmentProblem: weights, device or decoder are missing or unusable.
        UsageProblem: the model is for another task, or cannot do what the settings ask for.
    """
    with Decoder(settings.limits) as decoder:
        if settings.from_raw:
            decoder.start()  # it boots while the model loads
        yield partial(colorize_file, colorizer=load_colorizer(settings, decoder, intend))


def load_colorizer(
    settings: Settings, decoder: Decoder | None = None, intend: Intend | None = None
) -> Colorizer:
    """Find, verify and load the model; raise what `colorizing` raises."""
    # Here and no sooner: a batch is planned, and found to be done, without torch.
    from darkroom.inference.engine import choose_device, make_engine  # noqa: PLC0415
    from darkroom.zoo.weights import build_network, weights_for  # noqa: PLC0415

    if settings.from_raw:
        refuse_old_libraw()
    device, weights = choose_device(settings.device), weights_for("colorize", settings.model)
    check_model(weights.card, settings)
    engine = make_engine(build_network(weights, device=device), device=device)
    return Colorizer(settings, weights.card, engine, decoder, intend)


def check_model(card: Card, settings: Settings) -> None:
    """Raise UsageProblem for settings that make no sense with a model."""
    if card.input_space == "srgb" and (settings.from_raw or settings.channel):
        raise UsageProblem(f"{card.name} takes colour pictures: no --from-raw, no --channel")
    if card.output_space == "nir" and settings.keep_nir_luminance:
        raise UsageProblem(f"{card.name} makes near-infrared pictures: no --keep-nir-luminance")


def colorize_file(job: Job, colorizer: Colorizer) -> Report:
    """Read one file, colour it, publish the picture, and say what was done.

    Raises:
        FileProblem: this file cannot be read, coloured or written.
    """
    settings, clock, seen = colorizer.settings, Stopwatch(), look_at(job.source)
    with clock("read"):
        source = read_source(job.source, colorizer)
    with clock("network"):
        computed = predict(source.planes, colorizer)
    with clock("detail"):
        picture = finish(computed.picture, source.planes, settings)
    with clock("render"):
        pixels = levels_of(picture)
        doubts = source.doubts + doubted("the coloured picture", flatness(pixels), settings)
    with clock("write"):
        published = publish_picture(
            job,
            seen,
            pixels,
            metadata_of(source, settings),
            kind=settings.format,
            overwrite=settings.overwrite,
            intend=colorizer.intend,
        )
    _, rows, columns = computed.picture.shape
    return Report(
        camera=source.camera,
        model=f"{colorizer.card.name} {colorizer.card.version}",
        device=f"{colorizer.engine.device} {colorizer.engine.precision}",
        tile=f"{computed.grid} at {columns} x {rows}",
        seconds=clock.seconds,
        warnings=source.warnings + computed.warnings + doubts,
        suspect=bool(doubts),
        published=published,
        seen=seen,
        memory=resident(),
    )


def read_source(path: Path, colorizer: Colorizer) -> Source:
    """Read a file as the model wants it; raise FileProblem if that fails, or it shows nothing."""
    settings, is_rgb = colorizer.settings, colorizer.card.input_space == "srgb"
    if settings.from_raw:
        source = read_converted(path, colorizer)
    elif is_raw_name(path):
        raise FileProblem(FailureCode.UNSUPPORTED, "it is a RAW file", "try --from-raw")
    else:
        coded = load_picture(path) if is_rgb else load_grey(path, channel=settings.channel)
        with open_regular(path) as file:
            source = Source(planes_of(coded), exif=read_exif(file))
    flat = "" if np.ptp(source.planes) else "one single grey"
    return replace(source, doubts=source.doubts + doubted("the picture", flat, settings))


def doubted(what: str, flat: str, settings: Settings) -> tuple[str, ...]:
    """Refuse what is flat, or say so where suspect pictures are wanted."""
    return doubts_about(what, flat, advice=LOOK, allow_suspect=settings.allow_suspect)


def read_converted(path: Path, colorizer: Colorizer) -> Source:
    """Read a RAW file of a converted camera: grey, upright, coded by the sRGB curve."""
    assert colorizer.decoder is not None
    suspect = colorizer.settings.allow_suspect
    try:
        raw = colorizer.decoder.read(path, allow_suspect=suspect, monochrome=True).raw
    except FileProblem as problem:
        advice = DEVELOP if problem.code is FailureCode.NOT_BAYER else problem.advice
        raise FileProblem(problem.code, problem.what, advice) from None
    coded = np.asarray(srgb(near_infrared(raw)), np.float32)[..., None]
    planes = planes_of(turn(coded, raw.orientation))
    return Source(planes, raw.camera, raw.exif, raw.warnings, raw.doubts)


def planes_of(coded: npt.NDArray[np.generic]) -> FloatArray:
    """Return a picture (H, W) or (H, W, C) as planes (C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(np.atleast_3d(coded), -1, 0), np.float32)


def predict(planes: FloatArray, colorizer: Colorizer) -> Computed:
    """Run the network on planes (C, H, W): whole and at its own size, or in tiles at full size."""
    card, settings = colorizer.card, colorizer.settings
    shape, tile = (planes.shape[1], planes.shape[2]), settings.tile
    if card.working_side:
        planes, tile = shrunk(planes, shape_within(shape, card.working_side)), 0
    rules = TileRules(card.halo, card.multiple_of, tile, settings.max_memory)
    return run_guarded(colorizer.engine, planes, UNTOLD, rules, colorizer.ladder)


def finish(picture: FloatArray, planes: FloatArray, settings: Settings) -> FloatArray:
    """Bring what the network made, (C, h, w), to the size and the detail of its input."""
    guide = planes[0] if len(planes) == 1 else planes.mean(axis=0)
    if settings.guided_filter is None:
        picture = enlarged(picture, (guide.shape[0], guide.shape[1]))
    else:
        picture = with_detail(picture, guide, settings.guided_filter)
    if settings.keep_nir_luminance:
        picture = with_luminance(picture, guide, settings.keep_nir_luminance)
    return picture


def colorize(nir: FloatArray, colorizer: Colorizer) -> FloatArray:
    """Return a near-infrared picture (H, W), coded in [0, 1], in colour: (3, H, W), sRGB-coded."""
    return finish(predict(nir[None], colorizer).picture, nir[None], colorizer.settings)


def metadata_of(source: Source, settings: Settings) -> PictureMetadata:
    """Return what the output file says about the photograph."""
    exif = without_gps(source.exif) if settings.strip_gps else source.exif
    return PictureMetadata(exif, icc_profile("srgb"), f"darkroom {__version__}")
