"""The decoder process: `python -m darkroom.camera.worker`, started by `darkroom.batch.decoder`.

Its standard input is a socket. It says "ready", then answers each file it is sent with "size",
"memory" (and is sent some) and "picture", or with "problem". It holds nothing but the file and the
frame, may write nothing, and ends with its parent. It imports no network and no picture code.
"""

import os
import socket
from dataclasses import asdict

from darkroom.camera import confinement, shared_frame
from darkroom.camera.exif import exif_reader
from darkroom.camera.limits import Limits
from darkroom.camera.raw import RawImage
from darkroom.camera.read import decode
from darkroom.camera.refusals import out_of_memory
from darkroom.camera.rowcheck import Counts
from darkroom.camera.wire import Garbled, Message, problem_message, receive, send, to_message
from darkroom.errors import FailureCode, FileProblem

CHANNEL = 0  # file descriptor of the socket to the parent


def main() -> None:
    """Decode files until the parent goes away."""
    exif_reader()  # what is loaded later is loaded within the limits of a file
    confinement.confine()
    with socket.socket(fileno=CHANNEL) as channel:
        send(channel, {"kind": "ready"})
        while (request := receive(channel)) is not None:
            message, files = request
            reply = answer(channel, message, files[0])
            confinement.forget_file_limits()
            send(channel, reply)


def order(limits: Limits, *, allow_suspect: bool, monochrome: bool = False) -> Message:
    """Return the message, to be sent with a file, that asks to decode it."""
    return {
        "kind": "decode",
        "limits": asdict(limits),
        "allow_suspect": allow_suspect,
        "monochrome": monochrome,
    }


def answer(channel: socket.socket, message: Message, file: int) -> Message:
    """Decode a file and return the last message about it; no mapping of the frame is left."""
    try:
        raw = decode_within(channel, message, file)
        return {"kind": "picture", "raw": to_message(raw), "peak": confinement.peak_memory()}
    except FileProblem as problem:
        return problem_message(problem)
    except MemoryError:
        return problem_message(out_of_memory())
    except Exception as error:
        what = f"internal error: {type(error).__name__}: {error}"
        return problem_message(FileProblem(FailureCode.INTERNAL, what, "please report it"))


def decode_within(channel: socket.socket, asked: Message, descriptor: int) -> RawImage:
    """Decode a file as `order` asks, within its limits, into memory that the parent provides."""
    limits = Limits(**asked["limits"])
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        confinement.limit_file(limits, size, pixels=0)

        def announce(pixels: int) -> None:
            send(channel, {"kind": "size", "pixels": pixels})
            confinement.limit_file(limits, size, pixels)

        def allocate(shape: tuple[int, int]) -> Counts:
            return provided(channel, shape)

        return decode(
            file,
            limits,
            allow_suspect=asked["allow_suspect"],
            monochrome=asked["monochrome"],
            announce=announce,
            allocate=allocate,
        )


def provided(channel: socket.socket, shape: tuple[int, int]) -> Counts:
    """Ask the parent for the memory of a frame and map it."""
    send(channel, {"kind": "memory", "rows": shape[0], "columns": shape[1]})
    reply = receive(channel)
    if reply is None or len(reply[1]) != 1:
        raise Garbled("no memory from the parent")
    memory = reply[1][0]
    try:
        return shared_frame.map_to_write(memory, shape)
    finally:
        os.close(memory)


if __name__ == "__main__":
    main()
