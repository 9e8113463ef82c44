"""Write docs/cli.md from the help of every command: `python docs/make_cli.py`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from darkroom.cli import app

FILE = Path(__file__).with_name("cli.md")
WIDTH = 100
INTRODUCTION = """\
# The command line

This page is written by `python docs/make_cli.py` from the program's own help; a test compares them.
Data (`--json`, `darkroom models`) goes to the standard output, everything else to the standard
error, so that pipes stay clean. `NO_COLOR` is honoured.
"""


def page() -> str:
    """Return the whole page."""
    sections = (f"## {path}\n\n```text\n{text}\n```\n" for path, text in helps())
    return "\n".join((INTRODUCTION, *sections))


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command with its help, parents first."""
    yield from _helps(typer.main.get_command(app), "darkroom", None)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name,
        [],
        parent=parent,
        resilient_parsing=True,
        max_content_width=WIDTH,
        terminal_width=WIDTH,
    )
    yield context.command_path, context.command.get_help(context)
    for child_name, child in getattr(context.command, "commands", {}).items():
        yield from _helps(child, child_name, context)


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
