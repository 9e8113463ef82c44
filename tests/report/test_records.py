import errno
import io

import pytest

from darkroom.errors import StoppedEarly
from darkroom.report.records import write_record


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
