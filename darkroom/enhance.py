"""Recipe: dark RAW file -> clean picture."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from darkroom import __version__
from darkroom.batch.decoder import Decoded, Decoder, abandon
from darkroom.batch.enhance_settings import Settings
from darkroom.batch.finished import EnhanceReport, Finished, write_finished
from darkroom.batch.ledger import Intend, noting
from darkroom.batch.outcome import Seen, look_at
from darkroom.batch.pictures import doubts_about
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.batch.steps import Steps, threads_beside
from darkroom.batch.stopwatch import Stopwatch
from darkroom.camera.bayer import red_offset, visible
from darkroom.camera.decoder_version import refuse_old_libraw
from darkroom.camera.exposure import RatioChoice, RatioSpec, choose_ratio
from darkroom.camera.noise import noise_level
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.errors import FileProblem, UsageProblem
from darkroom.inference.engine import Engine
from darkroom.inference.guarded import Computed, Done, Ladder, TileRules, deliver_guarded
from darkroom.inference.memory import LEVELS_BYTES
from darkroom.inference.tiling import Place
from darkroom.inference.views import run_views
from darkroom.picture.assembly import Assembly, Fill
from darkroom.picture.clean_mosaic import in_colours
from darkroom.picture.guided_filter import smooth_linear
from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import PictureMetadata, without_gps
from darkroom.picture.render import flatness, quantise_into, render_into, upright_frame
from darkroom.zoo.card import Card
from darkroom.zoo.contents import contents_for
from darkroom.zoo.engines import engine_for
from darkroom.zoo.gpu_way import UNSENT, GpuWay, Sent, gpu_way
from darkroom.zoo.network_input import amplified, balance_for
from darkroom.zoo.network_output import rendering_for

FloatArray = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Enhancer:
    """A model and a decoder ready to run, and how to use them."""

    settings: Settings
    card: Card
    engine: Engine
    decoder: Decoder
    intend: Intend | None = None
    reference: RawImage | None = None
    ladder: Ladder = field(default_factory=Ladder)
    gpu: GpuWay | None = None


@dataclass(frozen=True)
class Frame:
    """A file that was read, and what was decided about it."""

    job: Job
    seen: Seen | None
    clock: Stopwatch
    decoded: Decoded
    choice: RatioChoice
    noise: NoiseLevel
    noise_source: str
    sent: Sent = UNSENT


Work = Steps[Frame, Finished[EnhanceReport], EnhanceReport]


@contextmanager
def enhancing(
    settings: Settings, intend: Intend | None = None, *, decoder: Decoder | None = None
) -> Iterator[Work]:
    """Yield what enhances files; its decoders end with the block.

    Args:
        settings: what the user asks for.
        intend: notes each picture before it gets its name.
        decoder: one that boots already; it stays its owner's.

    Raises:
        EnvironmentProblem: weights, device or decoder are missing or unusable.
        UsageProblem: the reference frame of `match:` cannot be read.
    """
    with ExitStack() as ending:
        first = decoder or ending.enter_context(Decoder(settings.limits))
        first.start()  # it boots while the model loads
        enhancer = load_enhancer(settings, first, intend)
        more = threads_beside(enhancer.engine.device) - 1
        others = [ending.enter_context(Decoder(settings.limits)) for _ in range(more)]
        yield steps_of(enhancer, others)


@contextmanager
def enhancing_apart(settings: Settings, run: Run) -> Iterator[Work]:
    """Yield the same in a process that has to note its intentions itself."""
    with noting(run) as intend, enhancing(settings, intend) as work:
        yield work


def load_enhancer(settings: Settings, decoder: Decoder, intend: Intend | None = None) -> Enhancer:
    """Find, verify and load the model; raise what `enhancing` raises."""
    refuse_old_libraw()
    contents = contents_for("enhance", settings.model)
    engine = engine_for(contents, settings.choice)
    reference = read_reference(settings.ratio, decoder)
    enhancer = Enhancer(settings, contents.card, engine, decoder, intend, reference)
    return replace(enhancer, gpu=gpu_for(enhancer))


def gpu_for(enhancer: Enhancer) -> GpuWay | None:
    """Return the way of whole frames through a GPU, None where they cannot go it."""
    settings = enhancer.settings
    is_whole = settings.tile is None and settings.max_memory is None
    if not (is_whole and is_direct(enhancer)):
        return None
    return gpu_way(enhancer.engine, enhancer.card, settings.tone, settings.strength)


def is_direct(enhancer: Enhancer) -> bool:
    """Whether each pixel is finished as soon as the network gave it: no pass follows."""
    settings, space = enhancer.settings, enhancer.card.output_space
    return settings.views == 1 and not settings.guided_filter and space != "raw-planes"


def read_reference(ratio: RatioSpec, decoder: Decoder) -> RawImage | None:
    """Read the frame whose exposure is to be matched, if one is named."""
    if ratio.reference is None:
        return None
    try:
        return decoder.read(ratio.reference).raw
    except FileProblem as problem:
        raise UsageProblem(f"--ratio match: {ratio.reference}: {problem.what}") from None


def steps_of(enhancer: Enhancer, others: Sequence[Decoder] = ()) -> Work:
    """Return what is done to a file, step by step; each decoder serves one thread at a time."""
    decoders = (enhancer.decoder, *others)
    return Steps(
        [partial(read_frame, enhancer=replace(enhancer, decoder=one)) for one in decoders],
        partial(enhance_frame, enhancer=enhancer),
        partial(write_finished, settings=enhancer.settings, intend=enhancer.intend),
        writers=len(decoders),
        abandon=partial(abandon, decoders),
    )


def enhance_file(job: Job, enhancer: Enhancer) -> EnhanceReport:
    """Read one file, enhance it, publish the picture, and say what was done.

    Raises:
        FileProblem: this file cannot be read, enhanced or written.
    """
    return steps_of(enhancer)(job)


def read_frame(job: Job, enhancer: Enhancer) -> Frame:
    """Read one file, and choose the ratio; raise FileProblem if that fails."""
    settings, clock, seen = enhancer.settings, Stopwatch(), look_at(job.source)
    with clock("read"):
        decoded = enhancer.decoder.read(job.source, allow_suspect=settings.allow_suspect)
        choice = choose_ratio(settings.ratio, decoded.raw, enhancer.reference)
        noise, noise_source = noise_level(decoded.raw)
        sent = enhancer.gpu.send(decoded.raw) if enhancer.gpu else UNSENT
    return Frame(job, seen, clock, decoded, choice, noise, noise_source, sent)


def enhance_frame(frame: Frame, enhancer: Enhancer) -> Finished[EnhanceReport]:
    """Enhance one frame; raise FileProblem if that fails, or it shows nothing."""
    raw, choice, settings = frame.decoded.raw, frame.choice, enhancer.settings
    with frame.clock("network"):
        on_gpu = enhancer.gpu and enhancer.gpu.develop(raw, choice.ratio, frame.noise, frame.sent)
        pixels, done = (on_gpu.pixels, on_gpu) if on_gpu else ready(develop(frame, enhancer))
    with frame.clock("render"):
        doubts = raw.doubts + doubts_about(
            "the enhanced picture",
            on_gpu.flat if on_gpu else flatness(pixels()),
            advice="try another --ratio",
            allow_suspect=settings.allow_suspect,
        )
    report = EnhanceReport(
        camera=raw.camera,
        ratio=choice.ratio,
        ratio_reason=choice.reason,
        noise_source=frame.noise_source,
        model=f"{enhancer.card.name} {enhancer.card.version}",
        device=f"{enhancer.engine.device} {enhancer.engine.precision}",
        tile=str(done.grid),
        warnings=raw.warnings + choice.warnings + done.warnings + doubts,
        suspect=bool(doubts),
        seen=frame.seen,
        retries=frame.decoded.retries,
        worker_memory=frame.decoded.worker_rss,
    )
    return Finished(frame.job, pixels, metadata_of(raw, enhancer), frame.clock, report)


def ready(made: tuple[Pixels, Done]) -> tuple[Callable[[], Pixels], Done]:
    """Return pixels that need not be waited for like those that must be."""
    pixels, done = made
    return lambda: pixels, done


def develop(frame: Frame, enhancer: Enhancer) -> tuple[Pixels, Done]:
    """Run the network on a frame and render what it gives: each tile by itself, if that will do."""
    raw, choice, settings, card = frame.decoded.raw, frame.choice, enhancer.settings, enhancer.card
    if not is_direct(enhancer):
        computed = enhance(raw, choice.ratio, frame.noise, enhancer)
        with frame.clock("render"):
            return finish(computed.picture, raw, choice, enhancer), computed
    shape, fill = (raw.mosaic.shape[0], raw.mosaic.shape[1]), rendering(raw, choice, enhancer)
    assembly = Assembly(shape, red_offset(raw.phase), raw.orientation, fill)

    def add(tile: FloatArray, place: Place) -> None:
        with frame.clock("render"):
            assembly.add(tile, place.rows, place.columns)

    planes, told = amplified(raw, choice.ratio, frame.noise, card, strength=settings.strength)
    rules, ladder = replace(rules_of(enhancer), beside=LEVELS_BYTES), enhancer.ladder
    done = deliver_guarded(enhancer.engine, planes, told, rules, ladder, deliver=add)
    return assembly.upright, done


def enhance(raw: RawImage, ratio: float, noise: NoiseLevel, enhancer: Enhancer) -> Computed:
    """Run the network on a frame: (3, H, W) in the card's output space, raw planes demosaiced.

    Args:
        raw: the frame.
        ratio: amplification.
        noise: the frame's noise, before amplification and white balance.
        enhancer: the model.
    """
    card, settings, rules = enhancer.card, enhancer.settings, rules_of(enhancer)
    planes, told = amplified(raw, ratio, noise, card, strength=settings.strength)
    ladder, count = enhancer.ladder, settings.views
    computed = run_views(enhancer.engine, planes, told, rules, ladder, count=count)
    lacking = np.divide(raw.white_balance, balance_for(card, raw))
    return replace(computed, picture=visible(in_colours(computed.picture, lacking), raw))


def rules_of(enhancer: Enhancer) -> TileRules:
    """Return how a frame may be cut for a model."""
    card, settings = enhancer.card, enhancer.settings
    return TileRules(card.halo, card.multiple_of, settings.tile, settings.max_memory)


def finish(picture: FloatArray, raw: RawImage, choice: RatioChoice, enhancer: Enhancer) -> Pixels:
    """Turn the network's picture into pixels: guided filter, colour, tone, orientation."""
    if enhancer.settings.guided_filter:
        picture = smooth_linear(picture, enhancer.settings.guided_filter)
    upright, sensor_view = upright_frame(picture.shape[1], picture.shape[2], raw.orientation)
    rendering(raw, choice, enhancer)(sensor_view, picture)
    return upright


def rendering(raw: RawImage, choice: RatioChoice, enhancer: Enhancer) -> Fill:
    """Return what renders the network's picture, or a tile of it, into its place."""
    how = rendering_for(enhancer.card, raw, choice.ratio, enhancer.settings.tone)
    return partial(render_into, rendering=how) if how else quantise_into


def metadata_of(raw: RawImage, enhancer: Enhancer) -> PictureMetadata:
    """Return what the output file says about the photograph."""
    settings = enhancer.settings
    is_linear = settings.tone == "linear" and enhancer.card.output_space != "srgb"
    return PictureMetadata(
        exif=without_gps(raw.exif) if settings.strip_gps else raw.exif,
        icc=icc_profile("linear-srgb" if is_linear else "srgb"),
        software=f"darkroom {__version__}",
    )
