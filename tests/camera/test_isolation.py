import os
import subprocess
import sys

import pytest

from darkroom.camera import isolation

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has all walls")


@linux
def test_linux_has_every_wall() -> None:
    assert all(isolation.walls().values())


def test_looking_opens_nothing_and_limits_nothing() -> None:
    code = (
        "import os, resource; from darkroom.camera.isolation import walls\n"
        "def state(): return os.listdir('/dev/fd'), resource.getrlimit(resource.RLIMIT_AS)\n"
        "before = state(); walls(); assert state() == before\n"
    )
    if sys.platform == "win32":
        pytest.skip("no file descriptors to list")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_wall_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "memfd_create", forbidden, raising=False)
    monkeypatch.setattr(isolation, "resource", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    found = isolation.walls()
    assert found["memory without a name"] is False
    assert found["limits of memory, time and files"] is False
    assert found["end with the parent"] is False
