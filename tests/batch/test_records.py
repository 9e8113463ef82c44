import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import __version__
from darkroom.batch.outcome import Outcome, Seen
from darkroom.batch.plan import Job
from darkroom.batch.records import Run, digest_of_params, named, outcome_record, record_line
from darkroom.errors import FailureCode
from darkroom.publish import Published

FIELDS = (
    "v run host ts in in_b64 below size mtime_ns sha256 params weights out out_size out_sha256 "
    "status code stage msg warn t_ms libraw darkroom"
)
RUN = Run(command="enhance", params="p1", weights="w1", libraw="0.22.2")


@dataclass(frozen=True)
class Report:
    ratio: float = 100.0
    seconds: dict[str, float] = field(default_factory=lambda: {"read": 0.25, "network": 1.5})
    warnings: tuple[str, ...] = ("dim",)
    suspect: bool = False
    seen: Seen | None = None
    published: Published | None = field(default_factory=lambda: Published(7, "abc"))

    def record(self) -> dict[str, object]:
        return {"ratio": self.ratio, "seconds": self.seconds}


def job(source: str | Path = "a.ARW", target: str | Path = "a.ARW.tif") -> Job:
    return Job(Path(source), Path(target), Path(), Path(source))


def record(outcome: Outcome[Any]) -> dict[str, Any]:
    return json.loads(record_line(outcome_record(outcome, RUN)))


def test_a_finished_file_is_told_in_full() -> None:
    done = Outcome(
        job(), "ok", warnings=("dim",), seconds=2.0, seen=Seen(9, 11, "in"), report=Report()
    )
    told = record(done)
    assert set(FIELDS.split()) <= set(told)
    assert told["status"] == "ok"
    assert told["ratio"] == 100.0
    assert told["warn"] == ["dim"]
    assert told["t_ms"] == {"read": 250.0, "network": 1500.0, "total": 2000.0}
    assert (told["size"], told["mtime_ns"], told["sha256"]) == (9, 11, "in")
    assert (told["out_size"], told["out_sha256"]) == (7, "abc")
    assert (told["params"], told["weights"], told["libraw"]) == ("p1", "w1", "0.22.2")
    assert (told["v"], told["darkroom"], told["run"]) == (1, __version__, RUN.id)
    assert told["ts"].endswith("Z")


def test_a_failed_file_has_the_same_fields() -> None:
    failed: Outcome[Any] = Outcome(job(), "failed", FailureCode.TRUNCATED, "ends at 7", "read")
    told = record(failed)
    assert set(FIELDS.split()) <= set(told)
    assert (told["code"], told["msg"], told["stage"]) == ("E_TRUNCATED", "ends at 7", "read")


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_any_file_name_gives_one_line_of_valid_json_that_leads_back_to_it(name: bytes) -> None:
    path = Path(os.fsdecode(b"x" + name))
    failed: Outcome[Any] = Outcome(job(path, path), "failed", message=str(path))
    line = record_line(outcome_record(failed, RUN))
    assert line.isascii()
    assert line.count("\n") == 1
    told = json.loads(line)
    told["in"].encode()  # no lone surrogates
    assert [named(told, key) for key in ("in", "out", "below")] == [str(path)] * 3


def test_numbers_json_does_not_know_become_null() -> None:
    told = record(Outcome(job(), "ok", report=Report(ratio=float("nan"))))
    assert told["ratio"] is None


@pytest.mark.parametrize("broken", [{}, {"in": 7}, {"in": "a", "in_b64": "?"}])
def test_a_record_without_a_name_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        named(broken, "in")


def test_equal_params_have_equal_digests_in_any_order() -> None:
    assert digest_of_params({"a": 1, "b": Path("x")}) == digest_of_params({"b": Path("x"), "a": 1})
    assert digest_of_params({"a": 1}) != digest_of_params({"a": 2})
