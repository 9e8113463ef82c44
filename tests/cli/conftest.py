from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from darkroom.cli import main


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def darkroom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return a function that runs the program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DARKROOM_DEBUG", raising=False)

    def run(*args: str | Path) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return run
