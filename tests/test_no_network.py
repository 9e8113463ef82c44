"""darkroom opens no network connection: not in its own process, not in one that it starts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.simulate import SimulateSettings, simulate_file

# Python runs a module of this name at its start, in every process that sees it on its path.
WATCHER = """
import os, sys

def watch(event, arguments):
    if event in {"socket.connect", "socket.sendto", "socket.bind"}:
        is_local = not isinstance(arguments[1], tuple)  # a path or a name: this machine only
    else:
        is_local = event not in {"socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"}
    if not is_local:
        with open(os.environ["CONTACTS"], "a") as file:
            file.write(f"{event} {arguments}\\n")
        raise PermissionError("no network")

sys.addaudithook(watch)
"""


def without_network() -> list[str]:
    """Return the command that runs another one without any network, [] where there is none."""
    for line in (["unshare", "-n"], ["unshare", "-rn"]):
        if shutil.which("unshare") and subprocess.run([*line, "true"], check=False).returncode == 0:
            return line
    return []


def watched(folder: Path, line: list[str]) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run Python with the watcher; return how it ended and whom it wanted to speak to."""
    (folder / "watcher").mkdir()
    (folder / "watcher" / "sitecustomize.py").write_text(WATCHER)
    contacts = folder / "contacts"
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "watcher"),
        "CONTACTS": str(contacts),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*without_network(), sys.executable, *line],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done, contacts.read_text() if contacts.exists() else ""


@pytest.mark.slow
def test_enhancing_speaks_to_nobody(tmp_path: Path, small_model: str) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 80, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "scene.png"), picture)
    simulate_file(tmp_path / "scene.png", tmp_path / "dark.dng", SimulateSettings(ratio=50))
    line = ["-m", "darkroom", "enhance", "dark.dng", "--ratio", "50", "--model", small_model]
    done, contacts = watched(tmp_path, line)
    assert contacts == ""
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "dark.dng.tif").exists()


@pytest.mark.slow
def test_the_doctor_speaks_to_nobody(tmp_path: Path) -> None:
    done, contacts = watched(tmp_path, ["-m", "darkroom", "doctor"])
    assert contacts == ""
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9), timeout=1)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "import urllib.request as u; u.urlopen('http://localhost:9')",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', "
        "'import socket; socket.getaddrinfo(\"localhost\", 80)'], check=True)",
    ],
)
def test_whoever_speaks_to_the_network_is_seen(code: str, tmp_path: Path) -> None:
    done, contacts = watched(tmp_path, ["-c", code])
    assert done.returncode != 0
    assert contacts


def test_speaking_within_the_machine_is_allowed(tmp_path: Path) -> None:
    code = "import socket; a, b = socket.socketpair(); a.send(b'x'); assert b.recv(1) == b'x'"
    done, contacts = watched(tmp_path, ["-c", code])
    assert (done.returncode, contacts) == (0, "")
