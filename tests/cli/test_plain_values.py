import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from darkroom.cli.options import folder
from darkroom.cli.plain_values import PlainCommand

Taken = dict[str, Any]
WRONG_USE: Any = typer.BadParameter.__base__


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


def command(
    names: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    text: Annotated[str, typer.Option()] = "auto",
    out: Annotated[Path | None, typer.Option(parser=folder)] = None,
    size: Annotated[Size, typer.Option()] = Size.SMALL,
    count: Annotated[int | None, typer.Option(min=1)] = None,
    share: Annotated[float, typer.Option(max=2)] = 1.5,
    sheet: Annotated[Path | None, typer.Option()] = None,
    loud: Annotated[bool, typer.Option("--loud")] = False,
) -> None:
    """Do nothing."""
    seen.append(dict(locals()))


seen: list[Taken] = []


def taken(cls: Any, *arguments: str) -> Taken:
    program = typer.Typer(add_completion=False, rich_markup_mode=None)
    program.command(cls=cls)(command)
    seen.clear()
    typer.main.get_command(program).main([*arguments], standalone_mode=False)
    return seen[0]


LINES = [
    "",
    "a b",
    "a --text t --loud",
    "--out some/where --size large",
    "--count 3 --share 0.5 --sheet x.png",
    "-- -a",
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_gets_what_typer_would_give_it(line: str) -> None:
    plain, full = (taken(cls, *line.split()) for cls in (PlainCommand, None))
    assert plain == full
    assert {name: type(value) for name, value in plain.items()} == {
        name: type(value) for name, value in full.items()
    }


@pytest.mark.parametrize(
    "line", ["--count 0", "--count x", "--share 3", "--size huge", ["--out", ""], "--loud=maybe"]
)
def test_what_is_wrong_is_told_as_typer_would_tell_it(line: str | list[str]) -> None:
    told = []
    for cls in (PlainCommand, None):
        with pytest.raises(WRONG_USE) as error:
            taken(cls, *(line.split() if isinstance(line, str) else line))
        told.append(str(error.value) or error.value.format_message())
    assert told[0] == told[1]


def test_a_required_value_that_is_missing_is_missed() -> None:
    program = typer.Typer(add_completion=False, rich_markup_mode=None)

    @program.command(cls=PlainCommand)
    def needing(names: Annotated[list[str], typer.Argument()]) -> None:
        """Do nothing."""

    with pytest.raises(WRONG_USE, match=r"(?i)missing.*names"):
        typer.main.get_command(program).main([], standalone_mode=False)


def test_usual_lines_need_no_validator() -> None:
    code = """
import sys
import typer
from darkroom.cli.commands import app
for line in (
    ["enhance", "a", "b", "--ratio", "100", "-o", "out", "--model", "unet", "--ratio-sheet", "1"],
    ["colorize", "-o", "out", "--files-from", "-", "-0", "-q", "--json"],
    ["models", "list", "--json"],
):
    program = typer.main.get_command(app)
    with program.make_context("darkroom", line) as context:
        name, command, rest = program.resolve_command(context, line)
        command.make_context(name, rest, parent=context)
print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
