import json
import subprocess
import sys

import pytest

from darkroom.camera import confinement

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def in_a_child(code: str):
    """Run lines in a process that is confined and return what they leave in `found`."""
    lines = (
        "import json, os, resource, signal\n"
        "from darkroom.camera import confinement\n"
        "from darkroom.camera.limits import Limits\n"
        f"confinement.confine()\n{code}\nprint(json.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@linux
def test_a_confined_process_writes_no_file_and_ignores_ctrl_c():
    found = in_a_child(
        "os.kill(os.getpid(), signal.SIGINT)\n"
        "memory = os.memfd_create('x')\n"
        "try:\n    os.write(memory, b'x'); found = 'written'\n"
        "except OSError as error:\n    found = error.strerror"
    )
    assert found == "File too large"


@linux
def test_memory_is_bounded_for_a_file_and_free_afterwards():
    found = in_a_child(
        "def fits(size):\n"
        "    try:\n        return bool(bytes(size))\n"
        "    except MemoryError:\n        return False\n"
        "limits = Limits(memory=50 << 20)\n"
        "confinement.limit_file(limits, 0, 0)\n"
        "found = [fits(20 << 20), fits(80 << 20)]\n"
        "confinement.limit_file(limits, 0, 5_000_000)\n"
        "found += [fits(80 << 20), fits(200 << 20)]\n"
        "confinement.forget_file_limits()\n"
        "found += [fits(200 << 20)]"
    )
    assert found == [True, False, True, False, True]


@linux
def test_processor_time_is_bounded_for_a_file():
    found = in_a_child(
        "confinement.limit_file(Limits(seconds=20), 0, 0)\n"
        "found = [resource.getrlimit(resource.RLIMIT_CPU)[0]]\n"
        "confinement.limit_file(Limits(seconds=20), 0, 100_000_000)\n"
        "found += [resource.getrlimit(resource.RLIMIT_CPU)[0]]"
    )
    assert 40 < found[0] < 60
    assert 100 < found[1] < 120


@linux
def test_the_peak_counts_what_was_held():
    assert confinement.status("VmSize") > confinement.status("VmRSS") > 1 << 20
    found = in_a_child(
        "first = confinement.peak_memory()\n"
        "held = bytearray(b'x') * (100 << 20); del held\n"
        "found = confinement.peak_memory() - first"
    )
    assert 90 << 20 < found < 130 << 20


def test_an_unknown_account_is_zero(monkeypatch, tmp_path):
    monkeypatch.setattr(confinement, "STATUS", tmp_path / "none")
    assert confinement.peak_memory() == 0
