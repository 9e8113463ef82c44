"""What a terminal gets beyond plain lines: colours, a bar and a table, all made by rich."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text


class Steadfast(Console):
    """A console whose reader may go away: the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Say nothing more; rich would end the program here."""
        self.quiet = True


def stderr_console() -> Console:
    """Return a console that prints texts as they are."""
    return Steadfast(stderr=True, markup=False, highlight=False, emoji=False)


def print_line(console: Console, text: str, style: str) -> None:
    """Print a line, however long it is."""
    console.print(Text(text, style), soft_wrap=True)


@contextmanager
def counting(console: Console, total: int) -> Iterator[Callable[[], None]]:
    """Draw a bar that counts to `total`, and yield what advances it by one."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # rich would turn --json records into text above the bar, were it to redirect stdout
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        task = bar.add_task("files", total=total)
        yield lambda: bar.advance(task)


def print_table(console: Console, titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table as wide as the terminal; longer cells are folded."""
    table = Table(*titles, box=None)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(table)
