"""`darkroom enhance --contact-sheet` and `--ratio-sheet`: many pictures on one."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from darkroom.errors import FileProblem, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.enhance_settings import Settings
    from darkroom.batch.outcome import Outcome, Result
    from darkroom.camera.exposure import RatioSpec
    from darkroom.picture.drawing import Pixels

    AnyOutcome = Outcome[Result | None]
    Hear = Callable[[AnyOutcome], object]

MOST_RATIOS = 24
SIDE = 800  # longest side of a picture on a sheet of ratios
SUFFIX = ".ratios.png"
# What has no meaning for one picture that is only looked at.
FOR_BATCHES = ("contact_sheet", "scheduler", "shard", "files_from", "dry_run", "json")

ContactSheet = Annotated[
    Path | None,
    typer.Option(
        "--contact-sheet",
        metavar="FILE",
        help="Draw all pictures of this run, small and with their names, into a PNG.",
    ),
]
RatioSheet = Annotated[
    str | None,
    typer.Option(
        "--ratio-sheet",
        metavar="RATIOS",
        help="Write one PNG with the picture at each of these ratios, as 50,100,auto, and no"
        " other output.",
    ),
]


@contextmanager
def gathering(sheet: Path | None, arguments: Mapping[str, Any]) -> "Iterator[Hear | None]":
    """Yield what hears of outcomes; afterwards, draw the contact sheet if one is wanted.

    No sheet is drawn of a run that was interrupted.

    Args:
        sheet: the file to write, None for none.
        arguments: of the command.

    Raises:
        UsageProblem: the sheet cannot be had like that.
        FileProblem: it cannot be written.
    """
    if sheet is None:
        yield None
        return
    from darkroom.publish import check_free
    from darkroom.report.contact import page_of

    if sheet.suffix.lower() != ".png":
        raise UsageProblem(f"--contact-sheet {sheet}: a PNG is written; let the name end in .png")
    if arguments["dry_run"]:
        raise UsageProblem("--contact-sheet needs the pictures; leave -n away")
    for page in (sheet, page_of(sheet, 2)):  # an older second page would pass for this run's
        check_free(page, overwrite=arguments["overwrite"])
    heard: list[AnyOutcome] = []
    yield heard.append
    if not any(outcome.status == "cancelled" for outcome in heard):
        _draw(sheet, heard, overwrite=arguments["overwrite"], is_quiet=arguments["quiet"])


def _draw(sheet: Path, heard: "list[AnyOutcome]", *, overwrite: bool, is_quiet: bool) -> None:
    from darkroom.batch.outcome import DONE_BEFORE
    from darkroom.report.console import say
    from darkroom.report.contact import write_contact_sheet

    done = [o for o in heard if o.status in {"ok", "suspect"} or o.message == DONE_BEFORE]
    pictures = sorted(outcome.target for outcome in done)
    spared = [path for outcome in heard for path in (outcome.source, outcome.target)]
    pages = write_contact_sheet(sheet, pictures, spared=spared, overwrite=overwrite)
    if not is_quiet:
        say(f"contact sheet: {', '.join(map(str, pages)) or 'no picture for it'}")


def sheet_of_ratios(text: str, settings: "Settings", arguments: Mapping[str, Any]) -> int:
    """Write one picture at several ratios as one PNG, and return the exit code.

    Args:
        text: the ratios, as they were written.
        settings: how to enhance; their own ratio is not used.
        arguments: of the command.

    Raises:
        UsageProblem: the options do not fit together.
        EnvironmentProblem: the model is missing or cannot run.
    """
    from darkroom.publish import check_free, publish
    from darkroom.report.console import complain, say

    ratios = parse_ratios(text)
    source = _only_file(arguments)
    target = Path(arguments["out"] or source.parent, source.name + SUFFIX)
    check_free(target, overwrite=settings.overwrite)
    try:
        content = _drawn(source, ratios, settings)
        publish(target, methodcaller("write", content), overwrite=settings.overwrite)
    except FileProblem as problem:
        complain(f"{source}: {problem}")
        return problem.exit_code
    if not arguments["quiet"]:
        say(f"{source} -> {target}")
    return 0


def parse_ratios(text: str) -> "list[RatioSpec]":
    """Read --ratio-sheet.

    >>> [spec.value for spec in parse_ratios("50,100, 200")]
    [50.0, 100.0, 200.0]

    Raises:
        UsageProblem: one is no ratio, or needs another file; or there are too many.
    """
    from darkroom.camera.exposure import parse_ratio

    specs = [parse_ratio(part) for part in text.split(",")]
    if any(spec.reference for spec in specs):
        raise UsageProblem("--ratio-sheet takes numbers, auto and ev:+3, not match:")
    if len(specs) > MOST_RATIOS:
        raise UsageProblem(f"--ratio-sheet takes {MOST_RATIOS} ratios at most, not {len(specs)}")
    return specs


def _only_file(arguments: Mapping[str, Any]) -> Path:
    """Return the one file that is named; refuse options that ask for more or for another ratio."""
    for name in FOR_BATCHES:
        if arguments[name]:
            raise UsageProblem(f"--ratio-sheet does not go with --{name.replace('_', '-')}")
    if arguments["ratio"] != "auto":
        raise UsageProblem("--ratio-sheet names the ratios; leave --ratio away")
    files = [Path(name) for name in arguments["files"] or []]
    if len(files) != 1 or files[0].is_dir() or not files[0].name:
        raise UsageProblem("--ratio-sheet takes one RAW file; name it")
    return files[0]


def _drawn(source: Path, ratios: "list[RatioSpec]", settings: "Settings") -> bytes:
    from darkroom.picture.preview import png_bytes
    from darkroom.picture.sheets import settings_sheet

    return png_bytes(settings_sheet(list(_at_ratios(source, ratios, settings))))


def _at_ratios(
    source: Path, ratios: "list[RatioSpec]", settings: "Settings"
) -> "Iterator[tuple[str, Pixels]]":
    """Yield the picture at each ratio, small; the file is read once."""
    from darkroom.batch.decoder import Decoder
    from darkroom.camera.exposure import choose_ratio
    from darkroom.camera.noise import noise_level
    from darkroom.enhance import enhance, finish, load_enhancer
    from darkroom.picture.preview import levels_preview

    with Decoder(settings.limits) as decoder:
        decoder.start()  # it boots while the model loads
        enhancer = load_enhancer(replace(settings, ratio=ratios[0]), decoder)
        raw = decoder.read(source, allow_suspect=settings.allow_suspect).raw
        noise, _ = noise_level(raw)
        for spec in ratios:
            choice = choose_ratio(spec, raw, None)
            picture = enhance(raw, choice.ratio, noise, enhancer).picture
            levels = finish(picture, raw, choice, enhancer)
            name = "" if spec.kind == "number" else f" ({spec.kind})"
            yield f"ratio {choice.ratio:g}{name}", levels_preview(levels, SIDE)
