import io
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

from darkroom.batch.outcome import DONE_BEFORE, Outcome
from darkroom.batch.plan import Job
from darkroom.errors import FailureCode
from darkroom.report.console import (
    FORCING,
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

    def record(self) -> dict[str, object]:
        return {**vars(self), "noise": self.noise_source}


@dataclass(frozen=True)
class Plain:
    """The report of a recipe that neither brightens nor knows a camera."""

    def record(self) -> dict[str, object]:
        seconds = {"network": 1.5}
        return {"camera": None, "model": "m", "device": "cpu", "tile": "full", "seconds": seconds}


def job(source: str, target: str = "") -> Job:
    return Job(Path(source), Path(target or f"{source}.tif"), Path(), Path(source))


DONE: Outcome[Any] = Outcome(
    job("a.ARW", "out/a.ARW.tif"), "ok", warnings=("dim",), seconds=2.0, report=Report()
)
BAD: Outcome[Any] = Outcome(
    job("b.ARW"), "failed", FailureCode.TRUNCATED, "ends at 7; copy it again"
)
KEPT: Outcome[Any] = Outcome(job("c.ARW"), "skipped", message="is there")
LEFT: Outcome[Any] = Outcome(job("d.ARW"), "cancelled", message="interrupted")
PLAN: Outcome[Any] = Outcome(job("e.ARW"), "planned")
OLD: Outcome[Any] = Outcome(job("f.ARW"), "skipped", message=DONE_BEFORE)


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


def test_what_was_done_before_is_counted_and_not_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed(capsys, [OLD, KEPT], Verbosity.NORMAL) == "c.ARW: skipped: is there\n"
    assert "f.ARW: skipped: done before" in printed(capsys, [OLD], Verbosity.VERBOSE)
    assert summary_line([OLD, OLD, KEPT], 1.0) == "2 done before, 1 skipped in 1.0 s"


def test_a_suspect_picture_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    suspect: Outcome[Any] = Outcome(job("a.ARW"), "suspect", warnings=("rows repeat",))
    assert printed(capsys, [suspect], Verbosity.NORMAL).splitlines() == [
        "suspect: a.ARW -> a.ARW.tif (0.0 s)",
        "a.ARW: warning: rows repeat",
    ]


def test_the_summary_says_how_to_do_the_failures_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    summarise([BAD], 1.0, Verbosity.NORMAL, [Path("my out/m.jsonl")])
    assert "darkroom retry 'my out/m.jsonl'" in capsys.readouterr().err
    summarise([DONE], 1.0, Verbosity.NORMAL, [Path("m.jsonl")])
    assert "retry" not in capsys.readouterr().err


def test_a_terminal_that_was_closed_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    with showing(1, Verbosity.NORMAL) as show:
        show(DONE)
    summarise([DONE, BAD], 1.0, Verbosity.NORMAL)
    summarise([DONE, BAD], 1.0, Verbosity.NORMAL, [Path("m.jsonl")])


def test_no_standard_error_at_all_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    complain("nobody reads this")
    summarise([DONE, BAD], 1.0, Verbosity.NORMAL)
    assert capsys.readouterr().out == ""


def test_quiet_prints_errors_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, [DONE, KEPT, PLAN], Verbosity.QUIET) == ""
    assert "E_TRUNCATED" in printed(capsys, [BAD], Verbosity.QUIET)
    summarise([DONE, BAD], 3.0, Verbosity.QUIET)
    assert capsys.readouterr().err == ""


def test_verbose_adds_times_the_reason_of_the_ratio_and_the_noise_source() -> None:
    text = "\n".join(line for _, line in outcome_lines(DONE, Verbosity.VERBOSE))
    for detail in ("network 1.50 s", "darkest percent", "estimated", "3x2 tiles", "ILCE-7SM2"):
        assert detail in text


def test_a_recipe_tells_what_it_knows_and_no_more() -> None:
    done: Outcome[Any] = Outcome(job("a.png"), "ok", seconds=2.0, report=Plain())
    lines = [line for _, line in outcome_lines(done, Verbosity.VERBOSE)]
    assert lines == ["a.png -> a.png.tif (2.0 s)", "  m on cpu, full; network 1.50 s"]


def test_verbose_shows_the_traceback_of_a_bug() -> None:
    bug: Outcome[Any] = Outcome(
        job("a"), "failed", FailureCode.INTERNAL, "bug", trace="Traceback\n  File x"
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
    evil: Outcome[Any] = Outcome(job(EVIL, EVIL), "failed", FailureCode.EMPTY, EVIL)
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
    assert "1 done, 1 skipped, 1 failed in 12.3 s, 6.2 s per file" in text
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
    from darkroom.batch.outcome import Outcome
    from darkroom.batch.plan import single_job
    from darkroom.batch.records import Run, outcome_record
    from darkroom.errors import FailureCode
    from darkroom.report.console import Verbosity, showing
    from darkroom.report.records import write_record
    a, b = (single_job(Path(f"{name}.ARW"), Path(f"{name}.tif")) for name in "ab")
    with showing(2, Verbosity.NORMAL) as show:
        for outcome in (
            Outcome(a, "ok", warnings=("dim",)),
            Outcome(b, "failed", FailureCode.EMPTY, "empty"),
        ):
            write_record(outcome_record(outcome, Run()))
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


RICH = """
    import os, sys
    from darkroom.report.console import complain
    complain("no such model")
    os.write(1, repr("rich" in sys.modules).encode())
"""


def test_rich_is_loaded_where_it_has_something_to_colour() -> None:
    assert on_terminal(RICH)[0] == "True"
    line = [sys.executable, "-c", textwrap.dedent(RICH)]
    plain = {name: value for name, value in os.environ.items() if name not in FORCING}
    for environment, loaded in ((plain, b"False"), ({**plain, "FORCE_COLOR": "1"}, b"True")):
        done = subprocess.run(line, capture_output=True, check=True, env=environment)
        assert done.stdout == loaded
        assert (b"\x1b[31m" in done.stderr) == (loaded == b"True")


def test_no_color_is_honoured() -> None:
    _, seen = on_terminal(BATCH, NO_COLOR="1")
    assert "E_EMPTY" in seen
    assert "\x1b[31m" not in seen


def test_a_dumb_terminal_gets_plain_lines() -> None:
    _, seen = on_terminal(BATCH, TERM="dumb")
    assert "\x1b" not in seen
    assert "a.ARW -> a.tif" in seen
