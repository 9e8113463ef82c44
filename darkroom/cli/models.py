"""The commands `darkroom models …`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.options import Json, Overwrite, folder
from darkroom.cli.plain_values import NO_HELP, PlainCommand
from darkroom.errors import EnvironmentProblem, UsageProblem

if TYPE_CHECKING:
    from darkroom.zoo.card import Card

app = typer.Typer(
    help="List, describe, check, import and export the models.",
    epilog="Example: darkroom models list",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    context_settings=NO_HELP,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A name of `darkroom models list`, or a file.", show_default=False
    ),
]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Likewise, several.  [default: all]", show_default=False),
]

Checkpoint = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The checkpoint; of TensorFlow's files any one.", show_default=False
    ),
]
NewName = Annotated[
    str, typer.Option("--name", help="What to call the model.  [default: as the file]")
]
ModelsDir = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--out",
        metavar="DIR",
        parser=folder,
        help="Folder for the model.  [default: that of your own models]",
    ),
]
Shot = Annotated[
    Path | None,
    typer.Option(
        "--check",
        metavar="SHOT",
        help="Enhance this RAW file with the model, and keep the model only if that works.",
        show_default=False,
    ),
]
OnnxFile = Annotated[
    Path, typer.Option("-o", "--out", metavar="FILE", help="The ONNX file to write.")
]
Licence = Annotated[
    str, typer.Option(help="Terms of the weights, for the card.", show_default=False)
]


@app.command("list", cls=PlainCommand, epilog="Example: darkroom models list --json")
def list_models(json: Json = False) -> None:
    """Name the models that are installed."""
    from darkroom.report.models import write_models
    from darkroom.report.records import card_record, write_record

    cards = list(_readable_cards())
    if not json:
        write_models(cards)
        return
    for card in cards:
        write_record(card_record(card))


@app.command("show", cls=PlainCommand, epilog="Example: darkroom models show fast-unet")
def show_model(name: Name, json: Json = False) -> None:
    """Print the card of a model.

    It says what the model takes and gives, how it was trained, its licence and its scores.
    """
    from darkroom.report.models import write_card
    from darkroom.report.records import card_record, write_record
    from darkroom.zoo.find import locate
    from darkroom.zoo.header import read_card

    card = read_card(locate(name))
    if json:
        write_record(card_record(card))
    else:
        write_card(card)


@app.command("verify", cls=PlainCommand, epilog="Example: darkroom models verify fast-unet")
def verify_models(names: Names = None, json: Json = False) -> None:
    """Check that weights are complete and unchanged.

    Ends with exit code 4 if any are not.
    """
    from darkroom.report.console import complain
    from darkroom.report.models import write_columns
    from darkroom.report.records import write_record
    from darkroom.zoo.find import available

    checked = {name: _fault(name) for name in names or available()}
    for name, fault in checked.items():
        if json:
            write_record({"model": name, "status": "failed" if fault else "ok", "msg": fault})
        elif fault:
            complain(fault)
        else:
            write_columns([(name, "ok")])
    raise typer.Exit(EnvironmentProblem.exit_code if any(checked.values()) else 0)


@app.command(
    "import",
    cls=PlainCommand,
    epilog="Example: darkroom models import model.ckpt --name sid --check a.ARW",
)
def import_model(
    file: Checkpoint,
    *,
    name: NewName = "",
    check: Shot = None,
    out: ModelsDir = None,
    licence: Licence = "",
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Make a model of a checkpoint of another program.

    Reads the networks of "Learning to See in the Dark" (TensorFlow's files or PyTorch's), of the
    denoisers that came after it (ELD, LED, PMN) and PMRID. What the file holds is told by its
    tensors; nothing in it is run.
    """
    from functools import partial

    from darkroom.adopt import NOT_STATED, AdoptSettings, adopt
    from darkroom.report.console import say
    from darkroom.report.records import card_record, write_record

    if check is not None and not check.is_file():
        raise UsageProblem(f"--check {check}: there is no such file")
    settings = AdoptSettings(name, out, licence or NOT_STATED, overwrite)
    adopted = adopt(file, settings, partial(_try_out, shot=check) if check else None)
    if json:
        write_record(card_record(adopted.card) | {"file": str(adopted.path)})
    say(f"{file}: {adopted.layout}: {adopted.card.network}, gives {adopted.card.output_space}")
    say(f"model: {adopted.path}")


@app.command(
    "export",
    cls=PlainCommand,
    epilog="Example: darkroom models export fast-unet -o fast-unet.onnx",
)
def export_model(name: Name, *, out: OnnxFile, overwrite: Overwrite = False) -> None:
    """Write a model as an ONNX file, for other programs.

    It takes planes (1, C, h, w) as darkroom prepares them, of sizes that divide by the card's
    multiple_of, and their noise (1, 8) where the network looks at it. The card is in its metadata.
    Needs the library onnx: pip install 'darkroom[onnx]'.
    """
    from darkroom.report.console import say
    from darkroom.zoo.onnx_file import export_onnx

    card = export_onnx(name, out, overwrite=overwrite)
    say(f"{card.name} {card.version}: {out}")


def _try_out(model: Path, shot: Path) -> None:
    from darkroom.batch.enhance_settings import Settings
    from darkroom.batch.plan import single_job
    from darkroom.camera.exposure import parse_ratio
    from darkroom.enhance import enhancing
    from darkroom.errors import FileProblem
    from darkroom.report.console import say

    settings = Settings(parse_ratio("auto"), model=str(model))
    try:
        with enhancing(settings) as enhance:
            report = enhance(single_job(shot, model.with_suffix(".tif")))
    except FileProblem as problem:
        raise EnvironmentProblem(f"the model is not kept: {shot}: {problem.what}") from None
    say(f"{shot}: a finite picture of more than one colour, x{report.ratio:g}")
    for warning in report.warnings:
        say(f"{shot}: {warning}")


def _readable_cards() -> "Iterator[Card]":
    from darkroom.report.console import complain
    from darkroom.zoo.find import available, locate
    from darkroom.zoo.header import read_card

    for name in available():
        try:
            yield read_card(locate(name))
        except EnvironmentProblem as problem:
            complain(str(problem))


def _fault(name: str) -> str | None:
    from darkroom.zoo.find import locate
    from darkroom.zoo.weights import verify

    try:
        verify(locate(name))
    except EnvironmentProblem as problem:
        return str(problem)
    return None
