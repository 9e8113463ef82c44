"""`darkroom eval --nir`: models on near-infrared pictures whose colours are known.

Pictures are coloured as `darkroom colorize` does it, by the very same functions.
"""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom.cli.colorize_options import ColorizeOptions, settings_of
from darkroom.cli.eval_models import facts_of

if TYPE_CHECKING:
    from darkroom.colorize import Colorizer
    from darkroom.evaluate import Evaluation, Method, Tell
    from darkroom.inference.engine import EngineChoice

DEFAULT = "nir-lite"
GREY = "grey"  # the model that adds no colour


@dataclass(frozen=True)
class Detail:
    """What `darkroom colorize` takes of the near-infrared picture, by the names of its options."""

    guided_filter: bool
    radius: int | None
    eps: float | None
    keep_nir_luminance: float


def evaluate_nir(
    folder: Path, models: Sequence[str], detail: Detail, choice: "EngineChoice", tell: "Tell"
) -> "Evaluation":
    """Score models on the near-infrared pairs of a folder; nir-lite if none is named.

    Raises:
        UsageProblem: the options are impossible, or several files are one side of a pair.
        NothingMatched: there is no pair in the folder.
        EnvironmentProblem: there is no such model, or it cannot run.
    """
    from darkroom.evaluate import evaluate_pairs
    from darkroom.picture.nir_pairs import find_lone, find_pairs

    options = ColorizeOptions(**asdict(detail))
    settings_of(options)  # wrong use is told before the disk is searched
    pairs = find_pairs(folder)
    methods = [_method(name, options, choice) for name in models or [DEFAULT]]
    evaluation = evaluate_pairs(pairs, methods, tell)
    lone_nir, lone_srgb = find_lone(folder)
    return replace(
        evaluation,
        protocol={**evaluation.protocol, **_in_words(options)},
        lone_truths=lone_srgb,
        lone_sources=lone_nir,
    )


def _method(name: str, options: ColorizeOptions, choice: "EngineChoice") -> "Method":
    """Load a model as `darkroom colorize` does."""
    from darkroom.evaluate import Method

    if name == GREY:
        return Method(GREY, shutil.copyfile, {"model": None})
    from darkroom.colorize import load_colorizer

    settings = settings_of(replace(options, model=name))
    colorizer = load_colorizer(replace(settings, choice=choice))
    facts = facts_of(colorizer.card, colorizer.engine)
    is_reverse = colorizer.card.output_space == "nir"
    return Method(name, partial(_develop, colorizer), facts, "nir" if is_reverse else "srgb")


def _develop(colorizer: "Colorizer", source: Path, picture: Path) -> None:
    from darkroom.batch.plan import single_job
    from darkroom.colorize import colorize_file

    colorize_file(single_job(source, picture), colorizer)


def _in_words(options: ColorizeOptions) -> dict[str, str]:
    """Say how the pictures were made."""
    from darkroom.cli.batch_options import EPS, RADIUS

    radius = RADIUS if options.radius is None else options.radius
    eps = EPS if options.eps is None else options.eps
    guided = f"--radius {radius} --eps {eps:g}" if options.guided_filter else "--no-guided-filter"
    return {
        "results": f"as darkroom colorize {guided} --keep-nir-luminance"
        f" {options.keep_nir_luminance:g} writes them, 16-bit TIFF; grey is the near-infrared"
        " picture itself",
        "truths": "the colour picture of each pair; for models from colour to near-infrared, the"
        " near-infrared picture as three equal channels",
    }
