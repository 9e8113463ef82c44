import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import cv2
import numpy as np
import pytest

Run = Callable[..., Any]


def test_a_folder_without_pictures_is_nothing_matched(darkroom: Run, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.ARW").write_bytes(b"x")
    ended = darkroom("view", "raw")
    assert ended.code == 3
    assert "no finished picture in raw" in ended.err


@pytest.mark.parametrize("line", [["gone"], ["a.png"], [""], [".", "--port", "99999"], []])
def test_wrong_use(darkroom: Run, tmp_path: Path, line: list[str]) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    assert darkroom("view", *line).code == 2


def test_the_address_is_printed_and_the_folder_served(
    darkroom: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    served: list[object] = []

    def serve(folder: Path, port: int, ready: Callable[[str], object]) -> None:
        served.append((folder, port))
        ready("http://127.0.0.1:7/")

    monkeypatch.setattr("darkroom.report.server.serve", serve)
    ended = darkroom("view", ".", "--port", "7")
    assert (ended.code, ended.out, ended.err) == (0, "http://127.0.0.1:7/\n", "")
    assert served == [(Path(), 7)]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_it_with_130(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    line = [sys.executable, "-m", "darkroom", "view", str(tmp_path)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout and child.stderr
        address = child.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
        with urlopen(address + "preview/a.png", timeout=60) as response:  # our own address
            assert response.read().startswith(b"\xff\xd8")
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130
        assert child.stderr.read() == ""
