import json

import pytest

from darkroom.batch.records import record_line
from darkroom.doctor import Finding
from darkroom.report.doctor import diagnosis_record, write_findings

FINDINGS = [
    Finding("LibRaw", "ok", "0.22.2", facts={"libraw": "0.22.2"}),
    Finding("  12 MP", "warning", "full\x1b[2J", "make room", {"free": 12}),
]


def test_each_finding_is_one_aligned_line_with_its_advice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_findings(FINDINGS)
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "ok       LibRaw   0.22.2",
        r"warning    12 MP  full\x1b[2J; make room",
    ]
    assert captured.err == ""


def test_the_record_is_one_object_with_all_findings() -> None:
    record = json.loads(record_line(diagnosis_record(FINDINGS, "warning")))
    assert record["status"] == "warning"
    assert [check["topic"] for check in record["checks"]] == ["LibRaw", "12 MP"]
    assert record["checks"][1]["facts"] == {"free": 12}
    assert record["checks"][0]["advice"] is None
