import json
import os
import pty
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.run import Outcome
from darkroom.errors import FailureCode
from darkroom.report.console import (
    Verbosity,
    complain,
    outcome_lines,
    printable,
    showing,
    summarise,
    summary_line,
)


@dataclass(frozen=True)
class Report:
    camera: str = "SONY ILCE-7SM2"
    ratio: float = 100.0
    ratio_reason: str = "darkest percent"
    noise_source: str = "estimated"
    model: str = "fast-unet 1"
    device: str = "cpu"
    tile: str = "3x2 tiles of 1024"
    seconds: dict[str, float] = field(default_factory=lambda: {"network": 1.5})
    warnings: tuple[str, ...] = ()


DONE: Outcome[Any] = Outcome(
    Path("a.ARW"), Path("out/a.ARW.tif"), "ok", warnings=("dim",), seconds=2.0, report=Report()
)
BAD: Outcome[Any] = Outcome(
    Path("b.ARW"), Path("b.ARW.tif"), "failed", FailureCode.TRUNCATED, "ends at 7; copy it again"
)
KEPT: Outcome[Any] = Outcome(Path("c.ARW"), Path("c.ARW.tif"), "skipped", message="is there")
LEFT: Outcome[Any] = Outcome(Path("d.ARW"), Path("d.ARW.tif"), "cancelled", message="interrupted")
PLAN: Outcome[Any] = Outcome(Path("e.ARW"), Path("e.ARW.tif"), "planned")


def printed(
    capsys: pytest.CaptureFixture[str], outcomes: Sequence[Outcome[Any]], verbosity: Verbosity
) -> str:
    with showing(len(outcomes), verbosity) as show:
        for outcome in outcomes:
            show(outcome)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_errors_read_program_path_code_reason_and_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, [BAD], Verbosity.NORMAL)
    assert text == "darkroom: b.ARW: E_TRUNCATED: ends at 7; copy it again\n"


def test_away_from_a_terminal_every_file_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, [DONE, BAD, KEPT, LEFT, PLAN], Verbosity.NORMAL).splitlines()
    assert lines == [
        "a.ARW -> out/a.ARW.tif (ratio 100, darkest percent; 2.0 s)",
        "a.ARW: warning: dim",
        "darkroom: b.ARW: E_TRUNCATED: ends at 7; copy it again",
        "c.ARW: skipped: is there",
        "e.ARW -> e.ARW.tif",
    ]


def test_quiet_prints_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, [DONE, KEPT, PLAN], Verbosity.QUIET) == ""
    assert "E_TRUNCATED" in printed(capsys, [BAD], Verbosity.QUIET)
    summarise([DONE, BAD], 3.0, Verbosity.QUIET)
    assert capsys.readouterr().err == ""


def test_verbose_adds_times_the_reason_of_the_ratio_and_the_noise_source() -> None:
    text = "\n".join(line for _, line in outcome_lines(DONE, Verbosity.VERBOSE))
    for detail in ("network 1.50 s", "darkest percent", "estimated", "3x2 tiles", "ILCE-7SM2"):
        assert detail in text


def test_verbose_shows_the_traceback_of_a_bug() -> None:
    bug: Outcome[Any] = Outcome(
        Path("a"), Path("b"), "failed", FailureCode.INTERNAL, "bug", trace="Traceback\n  File x"
    )
    assert ("detail", "    File x") in outcome_lines(bug, Verbosity.VERBOSE)
    assert len(outcome_lines(bug, Verbosity.NORMAL)) == 1


def test_long_lines_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    complain("x" * 500)
    assert capsys.readouterr().err == "darkroom: " + "x" * 500 + "\n"


def test_markup_and_emoji_codes_in_names_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    complain("[red]:smile:[/red].ARW")
    assert capsys.readouterr().err == "darkroom: [red]:smile:[/red].ARW\n"


EVIL = "a\x1b[2J\r\n\u202egnp\x9b\udcff.ARW"


def test_names_cannot_fool_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil: Outcome[Any] = Outcome(Path(EVIL), Path(EVIL), "failed", FailureCode.EMPTY, EVIL)
    text = printed(capsys, [evil], Verbosity.VERBOSE)
    summarise([evil, DONE], 1.0, Verbosity.NORMAL)
    text += capsys.readouterr().err
    assert all(line.isprintable() for line in text.splitlines())
    assert r"a\x1b[2J\r\n\u202egnp\x9b\xff.ARW" in text


def test_ordinary_names_stay_as_they_are() -> None:
    assert printable("Zoë 写真 (1).ARW") == "Zoë 写真 (1).ARW"


def test_the_summary_counts_and_names_the_failures(capsys: pytest.CaptureFixture[str]) -> None:
    summarise([DONE, BAD, KEPT], 12.3, Verbosity.NORMAL)
    text = capsys.readouterr().err
    assert "1 done, 1 skipped, 1 failed in 12.3 s, 2.0 s per file" in text
    assert all(word in text for word in ("b.ARW", "E_TRUNCATED", "ends at 7"))


def test_the_summary_lists_at_most_twenty_failures(capsys: pytest.CaptureFixture[str]) -> None:
    summarise([BAD] * 25, 1.0, Verbosity.NORMAL)
    text = capsys.readouterr().err
    assert text.count("b.ARW") == 20
    assert "5 more" in text


def test_a_preview_has_no_times() -> None:
    assert summary_line([PLAN, KEPT], 0.1) == "1 planned, 1 skipped"


def on_terminal(script: str, **environment: str) -> tuple[str, str]:
    """Run a script whose standard error alone is a terminal; return (stdout, what it saw)."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(follower)
    seen = b""
    try:
        while chunk := os.read(leader, 65536):
            seen += chunk
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    out, _ = process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0, seen.decode()
    return out.decode(), seen.decode()


BATCH = """
    from pathlib import Path
    from darkroom.batch.run import Outcome
    from darkroom.errors import FailureCode
    from darkroom.report.console import Verbosity, showing
    from darkroom.report.records import plain_record, write_record
    with showing(2, Verbosity.NORMAL) as show:
        for outcome in (
            Outcome(Path("a.ARW"), Path("a.tif"), "ok", warnings=("dim",)),
            Outcome(Path("b.ARW"), Path("b.tif"), "failed", FailureCode.EMPTY, "empty"),
        ):
            write_record(plain_record(outcome))
            show(outcome)
"""


def test_on_a_terminal_a_bar_runs_and_records_stay_on_the_standard_output() -> None:
    out, seen = on_terminal(BATCH)
    assert [json.loads(line)["status"] for line in out.splitlines()] == ["ok", "failed"]
    assert "2/2" in seen
    assert "E_EMPTY" in seen
    assert "warning: dim" in seen
    assert "a.ARW -> a.tif" not in seen
    assert "\x1b[31m" in seen  # errors are red


def test_no_color_is_honoured() -> None:
    _, seen = on_terminal(BATCH, NO_COLOR="1")
    assert "E_EMPTY" in seen
    assert "\x1b[31m" not in seen


def test_a_dumb_terminal_gets_plain_lines() -> None:
    _, seen = on_terminal(BATCH, TERM="dumb")
    assert "\x1b" not in seen
    assert "a.ARW -> a.tif" in seen
