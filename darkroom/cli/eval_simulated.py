"""`darkroom eval --simulate`: models on dark frames that are made of the truths.

This is where the recipes meet: frames are darkened as `darkroom simulate` does it, and brightened
as `darkroom enhance` does it, by the very same functions.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.cli.eval_models import facts_of
from darkroom.cli.eval_options import Noise

if TYPE_CHECKING:
    from darkroom.batch.decoder import Decoder
    from darkroom.enhance import Enhancer
    from darkroom.evaluate import Evaluation, Method, Srgb, Tell
    from darkroom.inference.engine import EngineChoice
    from darkroom.simulate import SimulateSettings

DEFAULT = "fast-unet"


@dataclass(frozen=True)
class Conditions:
    """How frames are darkened, and how models are run on them."""

    camera: str
    iso: float
    ratio: float
    seed: int
    noise: Noise
    views: int
    choice: "EngineChoice"


def evaluate_simulated(
    truths: Path, models: Sequence[str], conditions: Conditions, tell: "Tell", *, is_drawn: bool
) -> "Evaluation":
    """Score models on dark frames of a folder of truths; fast-unet if none is named.

    Args:
        truths: the folder.
        models: names or weights files.
        conditions: how frames are darkened and models run.
        tell: hears of every picture.
        is_drawn: whether it looks at the dark frames, too.

    Raises:
        UsageProblem: the conditions are impossible.
        NothingMatched: there is no picture in the folder.
        EnvironmentProblem: there is no such model, or it cannot run.
    """
    from darkroom.batch.matching import pictures_in
    from darkroom.evaluate import evaluate_methods
    from darkroom.simulate import SimulateSettings, check, simulate_file

    camera, iso, ratio = conditions.camera, conditions.iso, conditions.ratio
    settings = SimulateSettings(camera=camera, iso=iso, ratio=ratio, seed=conditions.seed)
    check(settings)
    pictures = pictures_in(truths)

    with _decoder(conditions) as decoder:

        def darken(truth: Path, dark: Path, seed: int) -> "Srgb | None":
            simulate_file(truth, dark, replace(settings, seed=seed))
            return _seen(dark, decoder) if is_drawn else None

        methods = [_method(name, conditions, decoder) for name in models or [DEFAULT]]
        evaluation = evaluate_methods(pictures, methods, darken, seed=settings.seed, tell=tell)
    said = _in_words(settings, conditions)
    return replace(evaluation, protocol={**evaluation.protocol, **said})


def _seen(dark: Path, decoder: "Decoder") -> "Srgb":
    """Return a dark frame as `darkroom view` shows it: small, and not amplified."""
    from darkroom.report.previews import raw_preview

    pixels = raw_preview(decoder.read(dark, allow_suspect=True).raw)
    return (pixels / 255).astype("float32")


@contextmanager
def _decoder(conditions: Conditions) -> "Iterator[Decoder]":
    """Yield what reads the dark frames; with `told` it adds the noise they were made with."""
    from darkroom.batch.decoder import Decoder
    from darkroom.batch.told_decoder import ToldDecoder
    from darkroom.camera.sensors import find_sensor, noise_level_of

    level = noise_level_of(find_sensor(conditions.camera), conditions.iso)
    with ToldDecoder(level) if conditions.noise is Noise.TOLD else Decoder() as decoder:
        decoder.start()  # it boots while the models load
        yield decoder


def _method(name: str, conditions: Conditions, decoder: "Decoder") -> "Method":
    """Load a model as `darkroom enhance --tone srgb` does."""
    from darkroom.batch.enhance_settings import Settings
    from darkroom.camera.exposure import RatioSpec
    from darkroom.enhance import load_enhancer
    from darkroom.evaluate import Method

    ratio = RatioSpec("number", conditions.ratio)
    settings = Settings(ratio, name, conditions.choice, views=conditions.views, tone="srgb")
    enhancer = load_enhancer(settings, decoder)
    facts = facts_of(enhancer.card, enhancer.engine)
    return Method(name, partial(_develop, enhancer), facts)


def _develop(enhancer: "Enhancer", dark: Path, picture: Path) -> None:
    from darkroom.batch.plan import single_job
    from darkroom.enhance import enhance_file

    enhance_file(single_job(dark, picture), enhancer)


def _in_words(settings: "SimulateSettings", conditions: Conditions) -> dict[str, str]:
    """Say how the dark frames and the pictures were made."""
    is_told = conditions.noise is Noise.TOLD
    told = "the line it was drawn from" if is_told else "what is estimated per frame"
    return {
        "dark_frames": f"simulated: {settings.camera}, ISO {settings.iso:g}, a light of"
        f" 1/{settings.ratio:g}, {settings.phase}, {settings.read_noise} read noise; the same frame"
        f" for every method; seed {settings.seed} for the first picture, one more for each next",
        "results": f"as darkroom enhance --ratio {settings.ratio:g} --tone srgb"
        f" --views {conditions.views} writes them, 16-bit TIFF",
        "noise": f"{conditions.noise.value}: a model is told {told}",
    }
