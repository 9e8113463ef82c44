"""The commands `darkroom models …`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.options import Json
from darkroom.errors import EnvironmentProblem

if TYPE_CHECKING:
    from darkroom.zoo.card import Card

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

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


@app.command("list", epilog="Example: darkroom models list --json")
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


@app.command("show", epilog="Example: darkroom models show fast-unet")
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


@app.command("verify", epilog="Example: darkroom models verify fast-unet")
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
