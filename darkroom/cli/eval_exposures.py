"""`darkroom eval --pairs`: models on real short exposures, against the long ones.

This is where the recipes meet: frames are enhanced by the functions of `darkroom enhance`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from darkroom.cli.eval_models import facts_of
from darkroom.errors import FileProblem, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.decoder import Decoder
    from darkroom.enhance import Enhancer
    from darkroom.evaluate import Evaluation, Judged, Tell
    from darkroom.inference.engine import EngineChoice
    from darkroom.learning.exposed_pairs import Exposed, FloatArray
    from darkroom.learning.pair_lists import PairFiles
    from darkroom.measure.protocols import Protocol

DEFAULT = "fast-unet"


@dataclass(frozen=True)
class Maker:
    """A way from a short exposure to what its protocol compares, and what records say about it."""

    name: str
    make: "Callable[[Exposed], FloatArray]"
    facts: Mapping[str, object]


Look = Callable[["PairFiles"], "Exposed"]


def evaluate_exposures(
    sources: Sequence[Path],
    models: Sequence[str],
    protocol: "Protocol",
    tell: "Tell",
    *,
    views: int,
    choice: "EngineChoice",
) -> "Evaluation":
    """Score models on real pairs under a protocol; fast-unet if none is named.

    Raises:
        UsageProblem: a list or folder is malformed, or a model makes no such pictures.
        NothingMatched: the protocol takes none of the pairs.
        EnvironmentProblem: there is no such model, or it cannot run.
    """
    from darkroom.batch.decoder import Decoder
    from darkroom.evaluate import gathered, taken

    pairs = listed(sources)
    names = {*taken(protocol, [pair.short.stem for pair in pairs])}
    counted = [pair for pair in pairs if pair.short.stem in names]
    with Decoder() as decoder:
        decoder.start()  # it boots while the models load
        look = partial(_look, decoder, protocol)
        makers = [_maker(name, protocol, decoder, views, choice) for name in models or [DEFAULT]]
        judged = (j for pair in counted for j in score_exposures(pair, makers, look, protocol))
        facts = {maker.name: maker.facts for maker in makers}
        evaluation = gathered(facts, judged, tell, protocol)
    return replace(evaluation, protocol={**evaluation.protocol, **_in_words(protocol, views)})


def listed(sources: Sequence[Path]) -> "list[PairFiles]":
    """Return every pair of lists and of folders that hold short and long, each once."""
    from darkroom.learning.pair_lists import match_folder, read_list

    found: list[PairFiles] = []
    for path in sources:
        found += match_folder(path) if path.is_dir() else read_list(path, path.parent)
    return list(dict.fromkeys(found))


def score_exposures(
    pair: "PairFiles", makers: Sequence[Maker], look: Look, protocol: "Protocol"
) -> "Iterator[Judged]":
    """Yield the score of each method on one pair, in the category of its ratio."""
    from darkroom.evaluate import Scored, Sight
    from darkroom.measure.protocols import scores_under

    start = Scored(pair.short.stem, pair.long)
    try:
        seen = look(pair)
    except FileProblem as problem:
        failed = replace(start, problem=str(problem))
        yield from ((maker.name, failed, None) for maker in makers)
        return
    start = replace(start, name=f"x{seen.ratio:g}/{start.name}")
    for maker in makers:
        try:
            sight = Sight(seen.truth, maker.make(seen))
            scores = scores_under(protocol, sight.truth, sight.result)
            yield maker.name, replace(start, scores=scores), sight
        except FileProblem as problem:
            yield maker.name, replace(start, problem=str(problem)), None


def _look(decoder: "Decoder", protocol: "Protocol", pair: "PairFiles") -> "Exposed":
    from darkroom.learning.exposed_pairs import exposed

    short, long = (decoder.read(path).raw for path in (pair.short, pair.long))
    return exposed(pair, short, long, protocol)


def _maker(
    name: str, protocol: "Protocol", decoder: "Decoder", views: int, choice: "EngineChoice"
) -> Maker:
    """Load a model as `darkroom enhance` does."""
    from darkroom.batch.enhance_settings import Settings
    from darkroom.camera.exposure import RatioSpec
    from darkroom.enhance import load_enhancer

    settings = Settings(RatioSpec("auto"), name, choice, views=views, tone=protocol.tone)
    enhancer = load_enhancer(settings, decoder)
    if protocol.domain == "raw" and enhancer.card.output_space == "srgb":
        raise UsageProblem(
            f"{name} makes finished pictures; {protocol.name} compares RAW planes:"
            " choose a model that makes linear ones, or another protocol"
        )
    return Maker(name, partial(_make, enhancer, protocol), facts_of(enhancer.card, enhancer.engine))


def _make(enhancer: "Enhancer", protocol: "Protocol", seen: "Exposed") -> "FloatArray":
    """Enhance a short exposure; return planes or finished pixels in 0..1."""
    from darkroom.camera.exposure import RatioChoice
    from darkroom.camera.noise import noise_level
    from darkroom.enhance import enhance, finish
    from darkroom.learning.exposed_pairs import planes_from, srgb_of

    noise, _ = noise_level(seen.frame)
    linear = enhance(seen.frame, seen.ratio, noise, enhancer).picture
    if protocol.domain == "raw":
        return planes_from(linear, seen.frame)
    choice = RatioChoice(seen.ratio, "the ratio of the exposures")
    return srgb_of(finish(linear, seen.frame, choice, enhancer))


def _in_words(protocol: "Protocol", views: int) -> dict[str, Any]:
    """Say how results and truths were made."""
    how = f"the short exposure, enhanced with --views {views} at the ratio of the exposures, at"
    how += f" most {protocol.most_ratio:g}; white balance, colours and orientation of the long one"
    if protocol.domain == "raw":
        made = "; of the picture, at each pixel the colour of its filter, white balance taken back"
        truths = "the planes of the long exposure, black and white as the file states them"
    elif protocol.tone == "libraw":
        made = "; LibRaw's curve, or what the model makes of finished pictures"
        truths = "the long exposure by LibRaw: AHD, camera white balance, no brightening, 16 bits"
    else:
        made = "; sRGB curve, or what the model makes of finished pictures"
        truths = "the long exposure, demosaiced and rendered by darkroom with the sRGB curve"
    return {"results": how + made, "truths": truths}
