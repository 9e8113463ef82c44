import base64
import errno
import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import __version__
from darkroom.batch.run import Outcome
from darkroom.errors import FailureCode, StoppedEarly
from darkroom.report.records import outcome_record, record_line, write_record

FIELDS = (
    "v in out status code msg warn ratio ratio_reason noise camera model device tile t_ms darkroom"
)


@dataclass(frozen=True)
class Report:
    camera: str = "SONY ILCE-7SM2"
    ratio: float = 100.0
    ratio_reason: str = "asked for"
    noise_source: str = "profile in the file"
    model: str = "fast-unet 1"
    device: str = "cpu"
    tile: str = "full"
    seconds: dict[str, float] = field(default_factory=lambda: {"read": 0.25, "network": 1.5})
    warnings: tuple[str, ...] = ("dim",)


def record(outcome: Outcome[Any]) -> dict[str, Any]:
    return json.loads(record_line(outcome_record(outcome)))


def test_a_finished_file_is_told_in_full() -> None:
    done = Outcome(
        Path("a.ARW"), Path("a.tif"), "ok", warnings=("dim",), seconds=2.0, report=Report()
    )
    told = record(done)
    assert set(FIELDS.split()) <= set(told)
    assert told["status"] == "ok"
    assert told["ratio"] == 100.0
    assert told["warn"] == ["dim"]
    assert told["noise"] == "profile in the file"
    assert told["t_ms"] == {"read": 250.0, "network": 1500.0, "total": 2000.0}
    assert (told["v"], told["darkroom"]) == (1, __version__)


def test_a_failed_file_has_the_same_fields() -> None:
    failed = Outcome(Path("a"), Path("b"), "failed", FailureCode.TRUNCATED, "ends at 7")
    told = record(failed)
    assert set(FIELDS.split()) <= set(told)
    assert (told["code"], told["msg"], told["ratio"]) == ("E_TRUNCATED", "ends at 7", None)


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_any_file_name_gives_one_line_of_valid_json_that_leads_back_to_it(name: bytes) -> None:
    path = Path(os.fsdecode(b"x" + name))
    line = record_line(outcome_record(Outcome(path, path, "failed", message=str(path))))
    assert line.isascii()
    assert line.count("\n") == 1
    told = json.loads(line)
    told["in"].encode()  # no lone surrogates
    exact = base64.b64decode(told["in_b64"]) if told["in_b64"] else told["in"].encode()
    assert exact == os.fsencode(path)


def test_numbers_json_does_not_know_become_null() -> None:
    told = record(Outcome(Path("a"), Path("b"), "ok", report=Report(ratio=float("nan"))))
    assert told["ratio"] is None


def test_records_are_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    write_record({"status": "ok"})
    captured = capsys.readouterr()
    assert captured.out == '{"status": "ok"}\n'
    assert captured.err == ""


class Full(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("stdout", [None, Full()])
def test_records_that_cannot_be_written_stop_the_batch(
    monkeypatch: pytest.MonkeyPatch, stdout: io.StringIO | None
) -> None:
    monkeypatch.setattr("sys.stdout", stdout)
    with pytest.raises(StoppedEarly, match="records"):
        write_record({"status": "ok"})
