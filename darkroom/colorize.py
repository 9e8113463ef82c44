"""Recipe: near-infrared picture -> colour."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.batch.decoder import Decoder, abandon
from darkroom.batch.finished import ColorizeReport, Finished, write_finished
from darkroom.batch.ledger import Intend
from darkroom.batch.outcome import Seen, look_at
from darkroom.batch.pictures import compression_params, doubts_about
from darkroom.batch.plan import Job
from darkroom.batch.sources import LOOK, Source, read_source
from darkroom.batch.steps import Steps, threads_beside
from darkroom.batch.stopwatch import Stopwatch
from darkroom.camera.decoder_version import refuse_old_libraw
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.errors import UsageProblem
from darkroom.inference.engine import AUTO, Engine, EngineChoice
from darkroom.inference.guarded import Computed, Ladder, TileRules, run_guarded
from darkroom.picture.detail import with_detail
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.picture.icc import icc_profile
from darkroom.picture.levels import levels_of
from darkroom.picture.luminance import with_luminance
from darkroom.picture.metadata import PictureMetadata, without_gps
from darkroom.picture.render import flatness
from darkroom.picture.resampling import enlarged, shape_within, shrunk
from darkroom.zoo.card import Card
from darkroom.zoo.contents import contents_for
from darkroom.zoo.engines import engine_for

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]

GUIDED = GuidedFilter(radius=5, eps=1e-5)
UNTOLD = np.zeros(8, np.float32)  # the noise level, which colour networks do not look at


@dataclass(frozen=True)
class Settings:
    """How to colour; one value for a whole batch.

    Attributes:
        model: name or weights file.
        choice: the device, the engine and the precision that are asked for.
        tile: core of a tile in pixels; None chooses, 0 takes the whole picture.
        max_memory: bytes to stay under, None for a share of what is free.
        channel: of colour files, as `picture.load.load_grey` takes it.
        from_raw: the files are RAW files of converted cameras.
        guided_filter: what brings the detail back, None for none.
        keep_nir_luminance: share of the near-infrared picture in the lightness, 0 to 1.
        format: "tiff" or "png".
        compression: "none", "deflate" or "zstd"; "deflate" for PNG.
        strip_gps: leave the place out of the output.
        overwrite: replace existing outputs.
        allow_suspect: write what looks damaged, too, and say so.
        limits: what a RAW file may cost.
    """

    model: str = "nir-lite"
    choice: EngineChoice = AUTO
    tile: int | None = None
    max_memory: int | None = None
    channel: str | None = None
    from_raw: bool = False
    guided_filter: GuidedFilter | None = GUIDED
    keep_nir_luminance: float = 0.0
    format: str = "tiff"
    compression: str = "deflate"
    strip_gps: bool = False
    overwrite: bool = False
    allow_suspect: bool = False
    limits: Limits = DEFAULT_LIMITS

    def params(self) -> dict[str, object]:
        """Return what decides how an output looks, beside input and model."""
        names = ("channel", "from_raw", "guided_filter", "keep_nir_luminance", "format")
        params = {name: getattr(self, name) for name in (*names, "strip_gps")}
        return params | self.choice.params() | compression_params(self.compression)


@dataclass(frozen=True)
class Colorizer:
    """A model ready to run, and how to use it; the decoder is for RAW files."""

    settings: Settings
    card: Card
    engine: Engine
    decoder: Decoder | None = None
    intend: Intend | None = None
    ladder: Ladder = field(default_factory=Ladder)


@dataclass(frozen=True)
class Frame:
    """A file that was read."""

    job: Job
    seen: Seen | None
    clock: Stopwatch
    source: Source


Work = Steps[Frame, Finished[ColorizeReport], ColorizeReport]


@contextmanager
def colorizing(settings: Settings, intend: Intend | None = None) -> Iterator[Work]:
    """Yield what colours files; its decoders end with the block.

    Raises:
        EnvironmentProblem: weights, device or decoder are missing or unusable.
        UsageProblem: the model is for another task, or cannot do what the settings ask for.
    """
    with Decoder(settings.limits) as decoder, ExitStack() as ending:
        if settings.from_raw:
            decoder.start()  # it boots while the model loads
        colorizer = load_colorizer(settings, decoder, intend)
        more = threads_beside(colorizer.engine.device) - 1
        others = [ending.enter_context(Decoder(settings.limits)) for _ in range(more)]
        yield steps_of(colorizer, others)


def load_colorizer(
    settings: Settings, decoder: Decoder | None = None, intend: Intend | None = None
) -> Colorizer:
    """Find, verify and load the model; raise what `colorizing` raises."""
    if settings.from_raw:
        refuse_old_libraw()
    contents = contents_for("colorize", settings.model)
    check_model(contents.card, settings)
    engine = engine_for(contents, settings.choice)
    return Colorizer(settings, contents.card, engine, decoder, intend)


def check_model(card: Card, settings: Settings) -> None:
    """Raise UsageProblem for settings that make no sense with a model."""
    if card.input_space == "srgb" and (settings.from_raw or settings.channel):
        raise UsageProblem(f"{card.name} takes colour pictures: no --from-raw, no --channel")
    if card.output_space == "nir" and settings.keep_nir_luminance:
        raise UsageProblem(f"{card.name} makes near-infrared pictures: no --keep-nir-luminance")


def steps_of(colorizer: Colorizer, others: Sequence[Decoder] = ()) -> Work:
    """Return what is done to a file, step by step; each decoder serves one thread at a time."""
    decoders = [*filter(None, (colorizer.decoder, *others))]
    return Steps(
        [partial(read_frame, colorizer=replace(colorizer, decoder=one)) for one in decoders]
        or [partial(read_frame, colorizer=colorizer)],
        partial(colorize_frame, colorizer=colorizer),
        partial(write_finished, settings=colorizer.settings, intend=colorizer.intend),
        writers=len(decoders) or 1,
        abandon=partial(abandon, decoders),
    )


def colorize_file(job: Job, colorizer: Colorizer) -> ColorizeReport:
    """Read one file, colour it, publish the picture, and say what was done.

    Raises:
        FileProblem: this file cannot be read, coloured or written.
    """
    return steps_of(colorizer)(job)


def read_frame(job: Job, colorizer: Colorizer) -> Frame:
    """Read one file as the model wants it; raise FileProblem if that fails."""
    settings, clock, seen = colorizer.settings, Stopwatch(), look_at(job.source)
    with clock("read"):
        source = read_source(
            job.source,
            colorizer.decoder if settings.from_raw else None,
            is_rgb=colorizer.card.input_space == "srgb",
            channel=settings.channel,
            allow_suspect=settings.allow_suspect,
        )
    return Frame(job, seen, clock, source)


def colorize_frame(frame: Frame, colorizer: Colorizer) -> Finished[ColorizeReport]:
    """Colour one picture; raise FileProblem if that fails, or it shows nothing."""
    source, settings, clock = frame.source, colorizer.settings, frame.clock
    with clock("network"):
        computed = predict(source.planes, colorizer)
    with clock("detail"):
        picture = finish(computed.picture, source.planes, settings)
    with clock("render"):
        pixels = levels_of(picture)
        doubts = source.doubts + doubts_about(
            "the coloured picture",
            flatness(pixels),
            advice=LOOK,
            allow_suspect=settings.allow_suspect,
        )
    _, rows, columns = computed.picture.shape
    report = ColorizeReport(
        camera=source.camera,
        model=f"{colorizer.card.name} {colorizer.card.version}",
        device=f"{colorizer.engine.device} {colorizer.engine.precision}",
        tile=f"{computed.grid} at {columns} x {rows}",
        seconds=clock.seconds,
        warnings=source.warnings + computed.warnings + doubts,
        suspect=bool(doubts),
        seen=frame.seen,
    )
    return Finished(frame.job, lambda: pixels, metadata_of(source, settings), clock, report)


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
