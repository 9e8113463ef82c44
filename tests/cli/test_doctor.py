import json
from collections.abc import Callable
from typing import Any

import pytest

from darkroom.doctor import Finding

Run = Callable[..., Any]

SOUND = [Finding("LibRaw", "ok", "0.22.2"), Finding("disk", "warning", "full", "make room")]


def finds(monkeypatch: pytest.MonkeyPatch, findings: list[Finding]) -> None:
    monkeypatch.setattr("darkroom.doctor.diagnose", lambda: findings)


def test_warnings_leave_the_exit_code_at_0(darkroom: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, SOUND)
    ended = darkroom("doctor")
    assert ended.code == 0
    assert "make room" in ended.out


def test_a_problem_ends_with_code_4(darkroom: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, [*SOUND, Finding("model", "problem", "damaged")])
    assert darkroom("doctor").code == 4
    ended = darkroom("doctor", "--json")
    assert ended.code == 4
    assert json.loads(ended.out)["status"] == "problem"


def test_the_record_is_one_line(darkroom: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finds(monkeypatch, SOUND)
    (line,) = darkroom("doctor", "--json").out.splitlines()
    assert [check["topic"] for check in json.loads(line)["checks"]] == ["LibRaw", "disk"]


def test_this_machine_is_judged_without_a_bug(darkroom: Run) -> None:
    ended = darkroom("doctor", "--json")
    assert ended.code in (0, 4)
    assert ended.err == ""
    topics = {check["topic"] for check in json.loads(ended.out)["checks"]}
    assert {"darkroom", "libraries", "engine"} <= topics
