"""The command `darkroom eval`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from darkroom.cli import eval_options as opt
from darkroom.cli.batch_options import Eps, Radius
from darkroom.cli.colorize_options import Guided, KeepLuminance
from darkroom.cli.enhance_options import ViewCount, Views
from darkroom.cli.eval_exposures import evaluate_exposures
from darkroom.cli.eval_nir import Detail, evaluate_nir
from darkroom.cli.eval_simulated import Conditions, evaluate_simulated
from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import (
    By,
    Device,
    EngineName,
    In,
    On,
    Overwrite,
    PrecisionName,
    Quiet,
    Verbose,
    parse_choice,
)
from darkroom.cli.simulate import Camera, Iso, Ratio
from darkroom.errors import FileProblem, UsageProblem

if TYPE_CHECKING:
    from darkroom.evaluate import Evaluation, Scored, Sight, Tell
    from darkroom.report.console import Verbosity
    from darkroom.report.html import Album

    Contents = Mapping[Path | None, Callable[[Evaluation], bytes]]

EPILOG = """Examples:

\b
  darkroom eval clean/ truths/ --csv scores.csv
  darkroom eval --simulate photos/ --model fast-unet --iso 12800 --ratio 100 --json scores.json
  darkroom eval --pairs Sony_test_list.txt --protocol sid-598 --by-category --json scores.json
  darkroom eval --nir pairs/ --model grey --model nir-lite --by-category --plots plots/
"""


def command(
    context: typer.Context,
    results: opt.Results = None,
    truths: opt.Truths = None,
    *,
    simulate: opt.Simulate = None,
    nir: opt.NirPairs = None,
    pairs: opt.Pairs = None,
    protocol: opt.ProtocolChoice = None,
    model: opt.Models = None,
    camera: Camera = "sony-a7s2",
    iso: Iso = 3200,
    ratio: Ratio = 100,
    noise: opt.NoiseKind = opt.Noise.ESTIMATED,
    seed: opt.FirstSeed = 0,
    views: Views = ViewCount.ONE,
    guided_filter: Guided = True,
    radius: Radius = None,
    eps: Eps = None,
    keep_nir_luminance: KeepLuminance = 0.0,
    device: On = Device.AUTO,
    engine: By = EngineName.AUTO,
    precision: In = PrecisionName.AUTO,
    by_category: opt.ByCategory = False,
    csv: opt.CsvFile = None,
    json: opt.JsonFile = None,
    plots: opt.Plots = None,
    report: opt.ReportFile = None,
    report_pictures: opt.ReportWorst = 5,
    markdown: opt.Markdown = False,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score pictures against the truth: PSNR, SSIM, MS-SSIM, MSE, CIE76, CIEDE2000, angle.

    Scores the pictures of RESULTS against those of the same name in TRUTHS: night.ARW.tif against
    night.png. Or, with --simulate, scores models on dark frames that are made of the truths. Or,
    with --pairs, on real short exposures against the long ones. Or, with --nir, on near-infrared
    pictures whose colours are known.
    """
    verbosity = verbosity_of(quiet, verbose)
    opt.check_use(context)
    _refuse_taken([path for path in (csv, json, report) if path], plots, overwrite=overwrite)
    places = Places(results, truths, simulate, nir, tuple(pairs or ()), protocol)
    choice = parse_choice(device, engine, precision)
    conditions = Conditions(camera, iso, ratio, seed, noise, int(views), choice)
    detail = Detail(guided_filter, radius, eps, keep_nir_luminance)
    album, unwritten = _album(report_pictures) if report else None, list[FileProblem]()
    models, looks = [*dict.fromkeys(model or ())], bool(plots or report)
    with _telling(verbosity, plots, album, unwritten, overwrite=overwrite) as tell:
        evaluation = _evaluate(places, models, conditions, detail, tell, is_drawn=looks)
    _show(evaluation, verbosity, markdown=markdown, categories=by_category)
    contents: Contents = {csv: _csv, json: _json, report: partial(_report, album)}
    _write(contents, evaluation, unwritten, overwrite=overwrite)
    is_whole = not unwritten and not any(row.failed for row in evaluation.rows)
    raise typer.Exit(0 if is_whole else FileProblem.exit_code)


@dataclass(frozen=True)
class Places:
    """Where the pictures are, in one of four ways, and the protocol that is named."""

    results: Path | None
    truths: Path | None
    simulate: Path | None
    nir: Path | None
    pairs: tuple[Path, ...]
    protocol: opt.ProtocolName | None


def _evaluate(
    places: Places,
    models: Sequence[str],
    conditions: Conditions,
    detail: Detail,
    tell: "Tell",
    *,
    is_drawn: bool,
) -> "Evaluation":
    from darkroom.evaluate import evaluate_folders
    from darkroom.measure.protocols import find_protocol

    choice, views = conditions.choice, conditions.views
    protocol = find_protocol((places.protocol or opt.ProtocolName.PLAIN).value)
    if places.simulate is not None:
        return evaluate_simulated(places.simulate, models, conditions, tell, is_drawn=is_drawn)
    if places.nir is not None:
        return evaluate_nir(places.nir, models, detail, choice, tell)
    if places.pairs:
        return evaluate_exposures(places.pairs, models, protocol, tell, views=views, choice=choice)
    assert places.results and places.truths  # as `check_use` has seen
    return evaluate_folders(places.results, places.truths, tell, protocol)


@contextmanager
def _telling(
    verbosity: "Verbosity",
    plots: Path | None,
    album: "Album | None",
    unwritten: list[FileProblem],
    *,
    overwrite: bool,
) -> "Iterator[Tell]":
    """Yield what says each picture's scores, a failure in any case, draws and collects it.

    Plots that cannot be written are told and added to `unwritten`.
    """
    from darkroom.report.console import complain, say
    from darkroom.report.plots import plotting
    from darkroom.report.scores import picture_line

    def speak(name: str, scored: "Scored", _: "Sight | None") -> None:
        if scored.problem:
            complain(picture_line(name, scored))
        elif verbosity is not verbosity.QUIET:
            say(picture_line(name, scored))

    listeners: list[Tell] = [speak]
    with ExitStack() as ending:
        if plots is not None:
            failed = partial(_note, unwritten=unwritten)
            drawing = plotting(plots, overwrite=overwrite, failed=failed)
            listeners.append(ending.enter_context(drawing))
        if album is not None:
            from darkroom.report.html import collect

            listeners.append(partial(collect, album))

        def tell(name: str, scored: "Scored", sight: "Sight | None") -> None:
            for listener in listeners:
                listener(name, scored, sight)

        yield tell


def _show(
    evaluation: "Evaluation", verbosity: "Verbosity", *, markdown: bool, categories: bool
) -> None:
    from darkroom.report.scores import say_notes, write_markdown, write_scores

    (write_markdown if markdown else write_scores)(evaluation, categories=categories)
    if verbosity is not verbosity.QUIET:
        say_notes(evaluation)


def _refuse_taken(outputs: Sequence[Path], plots: Path | None, *, overwrite: bool) -> None:
    """Refuse outputs that could not be written, before anything is scored."""
    from darkroom.publish import check_free, check_writable

    if len({path.absolute() for path in outputs}) < len(outputs):
        raise UsageProblem("--csv, --json and --report must be different files")
    for path in outputs:
        check_free(path, overwrite=overwrite)
    if plots is None:
        return
    if not overwrite and plots.is_dir() and any(plots.iterdir()):
        raise UsageProblem(
            f"--plots {plots}: the folder is not empty; name a new one, or use"
            " --overwrite to replace the plots in it"
        )
    check_writable(plots / "scatter.png")


def _write(
    contents: "Contents",
    evaluation: "Evaluation",
    unwritten: list[FileProblem],
    *,
    overwrite: bool,
) -> None:
    """Write the files that are wanted; where one cannot be, say so and go on with the next."""
    from darkroom.publish import publish

    for path in filter(None, contents):
        write = methodcaller("write", contents[path](evaluation))
        try:
            publish(path, write, overwrite=overwrite)
        except FileProblem as problem:
            _note(problem, unwritten)


def _note(problem: FileProblem, unwritten: list[FileProblem]) -> None:
    from darkroom.report.console import complain

    complain(str(problem))
    unwritten.append(problem)


def _csv(evaluation: "Evaluation") -> bytes:
    from darkroom.report.scores import pictures_csv

    return pictures_csv(evaluation)


def _json(evaluation: "Evaluation") -> bytes:
    from darkroom.report.scores import evaluation_json

    return evaluation_json(evaluation)


def _album(worst: int) -> "Album":
    from darkroom.report.html import Album

    return Album(worst)


def _report(album: "Album | None", evaluation: "Evaluation") -> bytes:
    from darkroom.report.html import report_page

    assert album  # as whoever asks for a report has one
    return report_page(evaluation, album)
