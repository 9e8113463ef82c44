import json

import pytest

from darkroom.report.calibration import calibration_record, cells, write_calibration
from tests.calibration_frames import calibration, row


def test_every_iso_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_calibration(calibration())
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["ISO", "400", "1600", "6400"]
    assert lines[0].split()[1:3] == ["gain", "sigma"]
    assert lines[2].split()[1] == "2.2"


def test_an_unknown_gain_is_a_question() -> None:
    assert cells(row(100, gain=None))[1] == "?"


def test_the_record_holds_the_file() -> None:
    record = json.loads(json.dumps(calibration_record(calibration())))
    assert record["calibration"]["name"] == "night-camera"
    assert len(record["calibration"]["rows"]) == 3
