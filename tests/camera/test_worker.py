import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from darkroom.camera import shared_frame, wire, worker
from darkroom.camera.limits import Limits
from tests.raw_files import MONOCHROME, dng_bytes, noisy_mosaic

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="no files to hand over")

HEAVY = {
    *("torch", "openvino", "cv2", "scipy", "safetensors", "platformdirs"),
    *("typer", "rich", "pydantic", "jinja2", "multiprocessing", "asyncio", "ssl", "email"),
}


@pytest.fixture
def child():
    """Start the program and yield the other end of its channel."""
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "darkroom.camera.worker"], stdin=theirs.fileno()
        )
    with ours, process:
        assert wire.receive(ours)[0] == {"kind": "ready"}
        yield ours, process
        ours.close()
        assert process.wait(10) == 0


def ask(channel, path, *, monochrome=False, **limits):
    order = worker.order(Limits(**limits), allow_suspect=False, monochrome=monochrome)
    with path.open("rb") as file:
        wire.send(channel, order, [file.fileno()])


@pytest.mark.parametrize("change", [{}, MONOCHROME], ids=["bayer", "mono"])
def test_decodes_into_the_memory_it_is_given(child, tmp_path, change):
    channel, _ = child
    path = tmp_path / "frame.dng"
    path.write_bytes(dng_bytes(noisy_mosaic(), change=change))
    ask(channel, path, monochrome=bool(change))
    arrived = bytearray()

    def said():
        while (message := wire.take(arrived)) is None:
            arrived.extend(channel.recv(wire.CHUNK))
        return message

    assert said() == {"kind": "size", "pixels": 96 * 128}
    assert said() == {"kind": "memory", "rows": 96, "columns": 128}
    memory = shared_frame.create((96, 128))
    wire.send(channel, {"kind": "memory"}, [memory])
    picture = said()
    counts = shared_frame.take(memory, (96, 128))
    raw = wire.from_message(picture["raw"], counts, monochrome=bool(change))
    os.close(memory)
    assert np.array_equal(raw.mosaic, noisy_mosaic())
    assert raw.camera == "Testmaker One"
    assert picture["peak"] > 1 << 20 or sys.platform != "linux"


def test_tells_problems_and_goes_on(child, tmp_path):
    channel, _ = child
    path = tmp_path / "frame.dng"
    for content, limits, code in (
        (b"Dear diary, " * 100, {}, "E_NOT_RAW"),
        (dng_bytes(noisy_mosaic())[:-1], {}, "E_TRUNCATED"),
        (dng_bytes(noisy_mosaic()), {"max_pixels": 100}, "E_TOO_BIG"),
        (dng_bytes(noisy_mosaic(), change=MONOCHROME), {}, "E_NOT_BAYER"),
    ):
        path.write_bytes(content)
        ask(channel, path, **limits)
        assert wire.receive(channel)[0]["code"] == code


def test_ends_with_its_channel(child):
    channel, process = child
    assert process.poll() is None
    channel.close()
    assert process.wait(10) == 0


def test_loads_nothing_that_decoding_does_not_need():
    code = "import darkroom.camera.worker, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"rawpy", "numpy"} <= set(loaded)
    assert not HEAVY & set(loaded)


def test_everything_is_loaded_before_the_process_is_confined():
    code = """
import sys
from darkroom.camera import confinement, worker

def confine():
    print("exifread" in sys.modules)
    sys.exit()

confinement.confine = confine
worker.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
