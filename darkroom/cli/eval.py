"""The command `darkroom eval`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.enhance import On
from darkroom.cli.enhance_options import ViewCount, Views
from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import Device, Overwrite, Quiet, Verbose, folder
from darkroom.cli.simulate import Camera, Iso, Ratio
from darkroom.errors import FileProblem, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.decoder import Decoder
    from darkroom.enhance import Enhancer
    from darkroom.evaluate import Evaluation, Method, Tell
    from darkroom.report.console import Verbosity
    from darkroom.simulate import SimulateSettings

EPILOG = """Examples:

\b
  darkroom eval clean/ truths/ --csv scores.csv
  darkroom eval --simulate photos/ --model fast-unet --iso 12800 --ratio 100 --json scores.json
"""


class Noise(StrEnum):
    """What the models are told about the noise."""

    TOLD = "told"
    ESTIMATED = "estimated"


@dataclass(frozen=True)
class How:
    """How the models are run on simulated frames."""

    noise: Noise
    device: Device
    views: int


def existing_folder(text: str) -> Path:
    """Read a folder that is there."""
    path = folder(text)
    if not path.is_dir():
        raise typer.BadParameter(f"{text!r} is no folder")
    return path


Results = Annotated[
    Path | None,
    typer.Argument(
        metavar="RESULTS",
        help="Folder with the pictures to score.",
        parser=existing_folder,
        show_default=False,
    ),
]
Truths = Annotated[
    Path | None,
    typer.Argument(
        metavar="TRUTHS",
        help="Folder with the pictures as they should be.",
        parser=existing_folder,
        show_default=False,
    ),
]
Simulate = Annotated[
    Path | None,
    typer.Option(
        metavar="TRUTHS",
        help="Darken the pictures of this folder and score what models make of them.",
        parser=existing_folder,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME|PATH",
        help="With --simulate: a model; name several to compare them.  [default: fast-unet]",
    ),
]
NoiseKind = Annotated[
    Noise, typer.Option(help="What models are told: the true noise, or what `enhance` estimates.")
]
FirstSeed = Annotated[int, typer.Option(min=0, help="Of the first picture's noise.")]
CsvFile = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write the scores of each picture.")
]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write everything, and how it was measured."),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")]

OF_SIMULATION = ("model", "camera", "iso", "ratio", "noise", "seed", "views", "device")


def command(
    context: typer.Context,
    results: Results = None,
    truths: Truths = None,
    *,
    simulate: Simulate = None,
    model: Models = None,
    camera: Camera = "sony-a7s2",
    iso: Iso = 3200,
    ratio: Ratio = 100,
    noise: NoiseKind = Noise.ESTIMATED,
    seed: FirstSeed = 0,
    views: Views = ViewCount.ONE,
    device: On = Device.AUTO,
    csv: CsvFile = None,
    json: JsonFile = None,
    markdown: Markdown = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score pictures against the truth: PSNR, SSIM, MSE, CIE76, CIEDE2000.

    Scores the pictures of RESULTS against those of the same name in TRUTHS: night.ARW.tif against
    night.png. Or, with --simulate, scores models on dark frames that are made of the truths.
    """
    verbosity = verbosity_of(quiet, verbose)
    outputs = [path for path in (csv, json) if path]
    _refuse_taken(outputs, overwrite=overwrite)
    tell = _teller(verbosity)
    if simulate is not None:
        from darkroom.simulate import SimulateSettings

        if results is not None:
            raise UsageProblem("name two folders, or one after --simulate")
        settings = SimulateSettings(camera=camera, iso=iso, ratio=ratio, seed=seed)
        models = list(dict.fromkeys(model or ["fast-unet"]))
        how = How(noise, device, int(views))
        evaluation = _simulated(simulate, models, settings, how, tell)
    else:
        evaluation = _compared(context, results, truths, tell)
    _show(evaluation, verbosity, markdown=markdown)
    _write(evaluation, csv, json, overwrite=overwrite)
    raise typer.Exit(FileProblem.exit_code if any(row.failed for row in evaluation.rows) else 0)


def _compared(
    context: typer.Context, results: Path | None, truths: Path | None, tell: "Tell"
) -> "Evaluation":
    """Score a folder against another."""
    from darkroom.evaluate import evaluate_folders

    if results is None or truths is None:
        raise UsageProblem("name two folders, RESULTS and TRUTHS, or use --simulate TRUTHS")
    for name in OF_SIMULATION:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageProblem(f"--{name} goes with --simulate")
    return evaluate_folders(results, truths, tell)


def _simulated(
    truths: Path,
    models: Sequence[str],
    settings: "SimulateSettings",
    how: How,
    tell: "Tell",
) -> "Evaluation":
    """Score models on dark frames of a folder of truths.

    This is where the recipes meet: frames are darkened as `darkroom simulate` does it, and
    brightened as `darkroom enhance` does it, by the very same functions.
    """
    from darkroom.evaluate import evaluate_methods, pictures_in
    from darkroom.simulate import check, simulate_file

    check(settings)
    pictures = pictures_in(truths)

    def darken(truth: Path, dark: Path, seed: int) -> None:
        simulate_file(truth, dark, replace(settings, seed=seed))

    with _decoder(settings, how.noise) as decoder:
        methods = [_method(name, settings.ratio, how, decoder) for name in models]
        evaluation = evaluate_methods(pictures, methods, darken, seed=settings.seed, tell=tell)
    return replace(evaluation, protocol={**evaluation.protocol, **_conditions(settings, how)})


@contextmanager
def _decoder(settings: "SimulateSettings", noise: Noise) -> "Iterator[Decoder]":
    """Yield what reads the dark frames; with `told` it adds the noise they were made with."""
    from darkroom.batch.decoder import Decoder
    from darkroom.camera.sensors import find_sensor, noise_level_of
    from darkroom.evaluate import ToldDecoder

    level = noise_level_of(find_sensor(settings.camera), settings.iso)
    with ToldDecoder(level) if noise is Noise.TOLD else Decoder() as decoder:
        decoder.start()  # it boots while the models load
        yield decoder


def _method(name: str, ratio: float, how: How, decoder: "Decoder") -> "Method":
    """Load a model as `darkroom enhance --tone srgb` does."""
    from darkroom.camera.exposure import RatioSpec
    from darkroom.enhance import Settings, load_enhancer
    from darkroom.evaluate import Method
    from darkroom.inference.devices import gpus

    number = RatioSpec("number", ratio)
    settings = Settings(number, name, how.device.value, views=how.views, tone="srgb")
    enhancer = load_enhancer(settings, decoder)
    card, engine = enhancer.card, enhancer.engine
    facts: dict[str, object] = {
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "network": card.network,
        "device": f"{engine.device} {engine.precision}",
        "gpu": gpus()[0].name if engine.device.startswith("cuda") else None,
    }
    return Method(name, partial(_develop, enhancer), facts)


def _develop(enhancer: "Enhancer", dark: Path, picture: Path) -> None:
    from darkroom.batch.plan import single_job
    from darkroom.enhance import enhance_file

    enhance_file(single_job(dark, picture), enhancer)


def _conditions(settings: "SimulateSettings", how: How) -> dict[str, str]:
    """Say how the dark frames and the pictures were made."""
    told = (
        "the line it was drawn from" if how.noise is Noise.TOLD else "what is estimated per frame"
    )
    return {
        "dark_frames": f"simulated: {settings.camera}, ISO {settings.iso:g}, a light of"
        f" 1/{settings.ratio:g}, {settings.phase}, {settings.read_noise} read noise; the same frame"
        f" for every method; seed {settings.seed} for the first picture, one more for each next",
        "results": f"as darkroom enhance --ratio {settings.ratio:g} --tone srgb"
        f" --views {how.views} writes them, 16-bit TIFF",
        "noise": f"{how.noise.value}: a model is told {told}",
    }


def _teller(verbosity: "Verbosity") -> "Tell":
    """Return what says each picture's scores; a failure is said in any case."""
    from darkroom.report.console import complain, say
    from darkroom.report.scores import picture_line

    is_quiet = verbosity is verbosity.QUIET
    speak: Callable[[str], None] = (lambda _: None) if is_quiet else say
    return lambda name, picture: (complain if picture.problem else speak)(
        picture_line(name, picture)
    )


def _show(evaluation: "Evaluation", verbosity: "Verbosity", *, markdown: bool) -> None:
    from darkroom.report.scores import say_notes, write_markdown, write_scores

    (write_markdown if markdown else write_scores)(evaluation)
    if verbosity is not verbosity.QUIET:
        say_notes(evaluation)


def _refuse_taken(outputs: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse outputs that could not be written, before anything is scored."""
    from darkroom.publish import check_free

    if len({path.absolute() for path in outputs}) < len(outputs):
        raise UsageProblem(f"--csv and --json would both write {outputs[0]}")
    for path in outputs:
        check_free(path, overwrite=overwrite)


def _write(
    evaluation: "Evaluation", csv: Path | None, json: Path | None, *, overwrite: bool
) -> None:
    from darkroom.publish import publish
    from darkroom.report.scores import evaluation_json, pictures_csv

    for path, content_of in ((csv, pictures_csv), (json, evaluation_json)):
        if path:
            content = content_of(evaluation)
            publish(path, methodcaller("write", content), overwrite=overwrite)
