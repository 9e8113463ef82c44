import io
from collections.abc import Callable

import pytest
from rich.console import Console

from darkroom.report.terminal import Steadfast, counting, print_line, print_table, stderr_console


def written(write: Callable[[Console], None], width: int = 40) -> str:
    text = io.StringIO()
    write(Console(file=text, width=width, force_terminal=True, _environ={"TERM": "xterm"}))
    return text.getvalue()


def test_a_long_line_is_coloured_and_not_wrapped() -> None:
    text = written(lambda console: print_line(console, "x" * 100, "red"))
    assert text == f"\x1b[31m{'x' * 100}\x1b[0m\n"


def test_a_table_keeps_within_its_width_and_loses_nothing() -> None:
    rows = [("a.ARW", "E_EMPTY", "word " * 20)]
    text = written(lambda console: print_table(console, ("file", "code", "reason"), rows))
    assert max(map(len, text.splitlines()[1:])) <= 40
    assert text.count("word") == 20


def test_a_bar_counts() -> None:
    def count(console: Console) -> None:
        with counting(console, 3) as advance:
            advance()
            advance()

    assert "2/3" in written(count, width=80)


def test_markup_and_emoji_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    stderr_console().print("[red]:smile:")
    assert capsys.readouterr().err == "[red]:smile:\n"


def test_a_reader_that_went_away_ends_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    console = Steadfast(file=Closed())
    print_line(console, "first", "")
    assert console.quiet
