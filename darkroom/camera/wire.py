"""What the decoder process and its parent say to each other: small JSON messages, all checked.

A message is four bytes of length, most significant first, and that much JSON. The decoder runs on
files of unknown origin, so its parent believes nothing: every field has a type, a range and a
largest size. Pixels do not travel here (`darkroom.camera.shared_frame`).
"""

import base64
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from darkroom.camera import exif
from darkroom.camera.bayer import PHASES
from darkroom.camera.raw import MONO, ExifEntry, Exposure, NoiseLevel, RawImage
from darkroom.camera.rowcheck import Counts
from darkroom.errors import FailureCode, FileProblem

MAX_MESSAGE = 8 << 20  # bytes; a hundred entries of the largest size fit
HEAD = struct.Struct(">I")
CHUNK = 1 << 16
MAX_FILES = 4  # open files that one message may carry

MAX_WARNINGS = 100
MAX_ENTRIES = 200
MAX_VALUES = 2000  # numbers of one EXIF entry, twice as many as exifread gives
HIGHEST_COUNT = 65535
MAX_LEVEL = 2.0**32
EXIF_PLACES = ("image", "exif", "gps")
# TIFF type -> range of its whole numbers.
RANGES = {
    exif.SHORT: (0, 2**16 - 1),
    exif.LONG: (0, 2**32 - 1),
    exif.RATIONAL: (0, 2**32 - 1),
    exif.SLONG: (-(2**31), 2**31 - 1),
    exif.SRATIONAL: (-(2**31), 2**31 - 1),
}

Message = dict[str, Any]


class Garbled(Exception):
    """The other side said something that is no message."""


def send(channel: socket.socket, message: Message, files: Sequence[int] = ()) -> None:
    """Send a message, with open files where there are some."""
    body = json.dumps(message, allow_nan=False, separators=(",", ":")).encode()
    data = HEAD.pack(len(body)) + body
    sent = socket.send_fds(channel, [data], files) if files else 0
    channel.sendall(data[sent:])


def receive(channel: socket.socket) -> tuple[Message, list[int]] | None:
    """Wait for a message and the files with it, None when the other side is gone.

    Raises:
        Garbled: what came is no message.
    """
    arrived, files = bytearray(), list[int]()
    while True:
        message = take(arrived)
        if message is not None:
            return message, files
        data, more, _, _ = socket.recv_fds(channel, CHUNK, MAX_FILES)
        if not data:
            return None
        arrived += data
        files += more


def take(arrived: bytearray) -> Message | None:
    """Take the first message out of what has arrived, None while it is incomplete.

    Raises:
        Garbled: it is too long, or no JSON object.
    """
    if len(arrived) < HEAD.size:
        return None
    (length,) = HEAD.unpack_from(arrived)
    if length > MAX_MESSAGE:
        raise Garbled(f"a message of {length} bytes")
    end = HEAD.size + length
    if len(arrived) < end:
        return None
    body = bytes(arrived[HEAD.size : end])
    del arrived[:end]
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Garbled("no JSON") from error
    if not isinstance(message, dict):
        raise Garbled("no JSON object")
    return message


def problem_message(problem: FileProblem) -> Message:
    """Return a problem as a message."""
    what, advice = problem.what[: exif.MAX_TEXT], problem.advice[: exif.MAX_TEXT]
    return {"kind": "problem", "code": problem.code, "what": what, "advice": advice}


def problem_of(message: Message) -> FileProblem:
    """Return the problem that a message tells; raises Garbled if it tells none."""
    fields = exact(message, "kind", "code", "what", "advice")
    code = fields["code"]
    require(isinstance(code, str) and code in set(FailureCode), "code")
    return FileProblem(FailureCode(code), text(fields["what"]), text(fields["advice"]))


def to_message(raw: RawImage) -> Message:
    """Return everything of a frame but its pixels, as JSON can hold it.

    Entries that no TIFF file could hold are left out: a picture needs no EXIF.
    """
    profile = raw.noise_profile
    return {
        "phase": raw.phase,
        "black": list(raw.black),
        "white": raw.white,
        "white_balance": list(raw.white_balance),
        "xyz_to_camera": raw.xyz_to_camera.ravel().tolist(),
        "orientation": raw.orientation,
        "exposure": [raw.exposure.seconds, raw.exposure.iso, raw.exposure.aperture],
        "noise_profile": [*profile.shot, *profile.read] if profile else None,
        "texts": [raw.make, raw.model, raw.lens],
        "exif": [written for entry in raw.exif for written in writable(entry)],
        "warnings": list(raw.warnings),
        "doubts": list(raw.doubts),
    }


def from_message(message: object, mosaic: Counts, *, monochrome: bool = False) -> RawImage:
    """Return the frame that `to_message` described, with its pixels.

    Args:
        message: what the decoder said, whatever that may be.
        mosaic: (H, W) counts.
        monochrome: a monochrome sensor was asked for, too.

    Raises:
        Garbled: a field is missing, unknown, of the wrong type, out of range or too long.
    """
    require(isinstance(message, dict), "frame")
    fields = exact(message, *FIELDS)  # type: ignore[arg-type]
    phase, orientation = fields["phase"], fields["orientation"]
    require(phase in PHASES or (monochrome and phase == MONO), "phase")
    require(is_whole(orientation) and 1 <= orientation <= 8, "orientation")
    white = numbers([fields["white"]], 1, "white")[0]
    black = numbers(fields["black"], 4, "black")
    require(0 <= min(black) <= max(black) < white <= MAX_LEVEL, "levels")
    balance = numbers(fields["white_balance"], 3, "white balance")
    require(min(balance) > 0, "white balance")
    make, model, lens = (text(value) for value in listed(fields["texts"], 3, 3, "texts"))
    return RawImage(
        mosaic,
        phase,
        black,  # type: ignore[arg-type]
        white,
        balance,  # type: ignore[arg-type]
        np.reshape(numbers(fields["xyz_to_camera"], 9, "matrix"), (3, 3)),
        orientation=orientation,
        exposure=exposure_of(fields["exposure"]),
        noise_profile=noise_of(fields["noise_profile"]),
        make=make,
        model=model,
        lens=lens,
        exif=tuple(entry_of(value) for value in listed(fields["exif"], 0, MAX_ENTRIES, "EXIF")),
        warnings=sentences(fields["warnings"]),
        doubts=sentences(fields["doubts"]),
    )


FIELDS = (
    *("phase", "black", "white", "white_balance", "xyz_to_camera", "orientation", "exposure"),
    *("noise_profile", "texts", "exif", "warnings", "doubts"),
)


def sentences(values: object) -> tuple[str, ...]:
    """Return warnings for the user."""
    return tuple(text(value) for value in listed(values, 0, MAX_WARNINGS, "list"))


def exposure_of(values: object) -> Exposure:
    """Return an exposure; every number is positive or missing."""
    found = listed(values, 3, 3, "exposure")
    known = numbers([value for value in found if value is not None], None, "exposure")
    require(all(value > 0 for value in known), "exposure")
    return Exposure(*(None if value is None else float(value) for value in found))


def noise_of(values: object) -> NoiseLevel | None:
    """Return a noise profile, None without one."""
    if values is None:
        return None
    found = numbers(values, 8, "noise profile")
    return NoiseLevel(found[:4], found[4:])  # type: ignore[arg-type]


def writable(entry: ExifEntry) -> list[list[object]]:
    """Return an EXIF entry as JSON can hold it, in a list that is empty if a TIFF could not."""
    place, tag, kind, values = entry
    if isinstance(values, bytes):
        values = base64.b64encode(values).decode("ascii")
    elif isinstance(values, tuple):
        values = list(values)
    written = [place, tag, kind, values]
    try:
        entry_of(written)
    except Garbled:
        return []
    return [written]


def entry_of(value: object) -> ExifEntry:
    """Return an EXIF entry; what its values are follows from its TIFF type."""
    place, tag, kind, values = listed(value, 4, 4, "EXIF entry")
    require(isinstance(place, str) and place in EXIF_PLACES, "EXIF directory")
    require(is_whole(tag) and 0 <= tag <= HIGHEST_COUNT and is_whole(kind), "EXIF tag")
    return str(place), int(tag), int(kind), entry_values(kind, values)


def entry_values(kind: int, values: object) -> object:
    """Return the values of an entry: a text, bytes, or a tuple of whole numbers."""
    if kind == exif.ASCII:
        return text(values)
    if kind in exif.BYTES:
        return stored_bytes(values)
    require(kind in RANGES, "EXIF type")
    found = listed(values, 1, MAX_VALUES, "EXIF values")
    low, high = RANGES[kind]
    require(all(is_whole(value) and low <= value <= high for value in found), "EXIF values")
    require(kind not in exif.FRACTIONS or len(found) % 2 == 0, "EXIF fractions")
    return tuple(found)


def stored_bytes(value: object) -> bytes:
    """Return bytes from base64."""
    require(isinstance(value, str) and len(value) <= 2 * exif.MAX_TEXT, "bytes")
    try:
        return base64.b64decode(value, validate=True)  # type: ignore[arg-type]
    except ValueError as error:
        raise Garbled("bytes") from error


def text(value: object) -> str:
    """Return a text that is not too long."""
    require(isinstance(value, str) and len(value) <= exif.MAX_TEXT, "text")
    return str(value)


def numbers(values: object, count: int | None, what: str) -> tuple[float, ...]:
    """Return finite numbers; `count` of them, or any number for None."""
    found = listed(values, count or 0, count or MAX_WARNINGS, what)
    require(all(is_number(value) for value in found), what)
    return tuple(float(value) for value in found)


def listed(values: object, fewest: int, most: int, what: str) -> list[Any]:
    """Return a list of an allowed length."""
    if not isinstance(values, list) or not fewest <= len(values) <= most:
        raise Garbled(what)
    return values


def whole(message: Message, name: str, allowed: range) -> int:
    """Return a whole number of a message that lies in a range."""
    value = message[name]
    require(is_whole(value) and value in allowed, name)
    return int(value)


def exact(message: Message, *names: str) -> Message:
    """Return the message if it has these fields and no others."""
    require(message.keys() == set(names), "fields")
    return message


def is_number(value: object) -> bool:
    """Whether JSON gave a finite number; its true and false are none."""
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and abs(value) < MAX_LEVEL**4  # type: ignore[arg-type]  # NaN is not below


def is_whole(value: object) -> bool:
    """Whether JSON gave a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def require(condition: bool, what: str) -> None:
    """Raise Garbled naming what is wrong unless `condition` holds."""
    if not condition:
        raise Garbled(what)
