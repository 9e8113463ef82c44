"""A decoder process that misbehaves as the first bytes of its file say, to test its parent."""

import ctypes
import json
import os
import signal
import struct
import sys
import time

from darkroom.camera import worker
from darkroom.camera.raw import RawImage
from darkroom.camera.wire import MAX_MESSAGE, Message

MARK = b"POISON "
decode, to_message = worker.decode, worker.to_message


def read_null(_) -> None:
    ctypes.string_at(0)


def hang_busily(_) -> None:
    while True:
        pass


def hog_memory(_) -> None:
    held = []
    while True:
        held.append(bytes(1 << 26))


def print_much(_) -> None:
    block = b"complaint\n" * 100_000
    for _ in range(100):
        left = memoryview(block)
        while left:
            left = left[os.write(2, left) :]


def say(data: bytes) -> None:
    os.write(worker.CHANNEL, data)
    time.sleep(60)


def drip(_) -> None:
    os.write(worker.CHANNEL, struct.pack(">I", 1000))
    while True:
        os.write(worker.CHANNEL, b" ")
        time.sleep(0.01)


def write_file(_) -> None:
    os.write(os.memfd_create("grown"), b"x")


POISONS = {
    "null": read_null,
    "abort": lambda _: os.abort(),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda _: os._exit(7),
    "last-words": lambda _: (os.write(2, b"first\nlast \x1b[31mwords\n"), os._exit(7)),
    "nap": lambda _: time.sleep(1),
    "sleep": lambda _: time.sleep(60),
    "busy": hang_busily,
    "memory": hog_memory,
    "print": print_much,
    "write": write_file,
    "raise": lambda _: {}["missing"],
    "garbage": lambda _: say(b"\0\0\0\x05hello"),
    "no-object": lambda _: say(b"\0\0\0\x02[]"),
    "huge": lambda _: say(struct.pack(">I", MAX_MESSAGE + 1)),
    "drip": drip,
    "close": lambda _: (os.close(worker.CHANNEL), time.sleep(60)),
    "bad-kind": lambda _: worker_says({"kind": "joke"}),
    "no-size": lambda _: worker_says({"kind": "size"}),
    "negative-size": lambda _: worker_says({"kind": "size", "pixels": -1}),
    "vast-size": lambda _: worker_says({"kind": "size", "pixels": 10**12}),
    "bad-code": lambda _: worker_says({"kind": "problem", "code": "E", "what": "", "advice": ""}),
    "wrong-shape": lambda _: worker_says(
        {"kind": "size", "pixels": 100}, {"kind": "memory", "rows": 100, "columns": 100}
    ),
    "float-shape": lambda _: worker_says(
        {"kind": "size", "pixels": 100}, {"kind": "memory", "rows": 2.5, "columns": 2}
    ),
    "early-picture": lambda _: worker_says(
        {"kind": "size", "pixels": 100}, {"kind": "picture", "raw": {}, "peak": 0}
    ),
}
# These decode the file and then spoil what is said about it.
SPOILS = {
    "nan": {"white": float("nan")},
    "phase": {"phase": "RGBW"},
    "mono": {"phase": "MONO"},
    "black": {"black": [1e9] * 4},
    "matrix": {"xyz_to_camera": [1.0] * 8},
    "orientation": {"orientation": 9},
    "extra": {"mosaic": [1]},
    "text": {"texts": ["x" * 10_000, "", ""]},
}


def speak(_, message: Message) -> None:
    body = json.dumps(message).encode()  # NaN too
    os.write(worker.CHANNEL, struct.pack(">I", len(body)) + body)


def worker_says(*messages: Message) -> None:
    for message in messages:
        speak(None, message)
    time.sleep(60)


def crash_once(flag: str) -> None:
    """Crash unless the file `flag` exists, and make it."""
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGSEGV)


def poisoned(file, *args, **hooks) -> RawImage:
    file.seek(-256, os.SEEK_END)
    name = file.read().partition(MARK)[2].decode().strip()
    if name in SPOILS:
        worker.to_message = lambda raw: to_message(raw) | SPOILS[name]
        worker.send = speak
    elif name == "hold":  # never unmaps the frame
        raw = decode(file, *args, **hooks)
        poisoned.held = raw.mosaic
        return raw
    elif name.startswith("once "):
        crash_once(name.removeprefix("once "))
    elif name:
        POISONS[name](file)
    return decode(file, *args, **hooks)


worker.decode = poisoned

if __name__ == "__main__":
    if "--mute" in sys.argv:
        time.sleep(60)
    worker.main()
