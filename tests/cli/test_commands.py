import subprocess
import sys
from typing import Any

import pytest
import typer

from darkroom.cli.commands import app

PROGRAM: Any = typer.main.get_command(app)
ANNOUNCED = PROGRAM.commands


def itself(command: Any) -> Any:
    return command.make_context("", [], resilient_parsing=True).command


@pytest.mark.parametrize("name", ANNOUNCED)
def test_the_line_of_a_command_is_the_first_of_its_own_help(name: str) -> None:
    assert ANNOUNCED[name].help == itself(ANNOUNCED[name]).help.splitlines()[0]


@pytest.mark.parametrize("name", ANNOUNCED)
def test_every_command_ends_its_help_with_an_example(name: str) -> None:
    command = itself(ANNOUNCED[name])
    for asked in (command, *map(itself, getattr(command, "commands", {}).values())):
        assert "darkroom " in asked.epilog


@pytest.mark.parametrize("name", ANNOUNCED)
def test_no_arguments_show_the_help_but_for_the_doctor(name: str) -> None:
    assert itself(ANNOUNCED[name]).no_args_is_help == (name != "doctor")


@pytest.mark.parametrize(
    ("asked", "loaded"),
    [
        (["--help"], []),
        (["--version"], []),
        (["nosuch"], []),
        (["doctor", "--help"], ["doctor"]),
        (["models", "list", "-h"], ["models"]),
    ],
)
def test_a_command_is_imported_when_it_is_asked_for(asked: list[str], loaded: list[str]) -> None:
    code = f"""
import sys
from darkroom.cli import main
try:
    main({asked!r})
except SystemExit:
    names = {list(ANNOUNCED)!r}
    print("loaded:", [name for name in names if "darkroom.cli." + name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == f"loaded: {loaded}"
