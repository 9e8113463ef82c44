import io
import math
import struct

import pytest

from darkroom.camera.directories import MAX_DIRECTORIES, Tiff, read_tiff
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import (
    ASCII,
    BYTE,
    DOUBLE,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    directory,
    tiff_bytes,
)

HEAD = b"II*\0" + struct.pack("<I", 8)


def parsed(content: bytes) -> Tiff:
    return read_tiff(io.BytesIO(content), len(content))


def test_reads_every_kind_of_number_and_text():
    entries = {
        256: (LONG, (70_000,)),
        258: (SHORT, (8, 8, 8)),
        271: (ASCII, "Maker"),
        33422: (BYTE, bytes((0, 1, 1, 2))),
        50721: (SRATIONAL, (-1, 2, 3, 4)),
        50728: (RATIONAL, (1, 2, 1, 0)),
        51041: (DOUBLE, (1e-4, 1e-7)),
    }
    tiff = parsed(tiff_bytes(entries, b"pixels"))
    assert tiff.numbers(256) == (70_000,)
    assert tiff.numbers(258) == (8, 8, 8)
    assert tiff.text(271) == b"Maker"
    assert tiff.numbers(33422) == (0, 1, 1, 2)
    assert tiff.numbers(50721) == (-0.5, 0.75)
    assert tiff.numbers(50728)[0] == 0.5
    assert math.isnan(tiff.numbers(50728)[1])
    assert tiff.numbers(51041) == (1e-4, 1e-7)
    assert tiff.numbers(50714) == ()
    assert tiff.text(272) == b""


def test_reads_big_endian():
    entry = struct.pack(">HHIHH", 256, 3, 1, 640, 0)
    content = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    assert parsed(content).numbers(256) == (640,)


def test_finds_sub_directories_and_following_ones():
    entries = {330: (LONG, (200,))}
    content = bytearray(HEAD + directory(entries, 8, following=300)).ljust(400, b"\0")
    for at, width in ((200, 11), (300, 22)):
        part = directory({256: (SHORT, (width,))}, at)
        content[at : at + len(part)] = part
    assert {entry.first(256) for entry in parsed(bytes(content)).directories} == {0, 11, 22}


def test_walks_a_loop_once():
    content = HEAD + directory({256: (SHORT, (5,))}, 8, following=8)
    assert len(parsed(content).directories) == 1


def test_ignores_rubbish_in_the_last_link():
    content = HEAD + directory({256: (SHORT, (5,))}, 8, following=0xFFFFFFF0)
    assert len(parsed(content).directories) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"II*\0\xff\0\0\0", FailureCode.TRUNCATED),
        (HEAD + struct.pack("<H", 20), FailureCode.TRUNCATED),
        (HEAD + struct.pack("<H", 60_000), FailureCode.CORRUPT),
        (HEAD + directory({330: (LONG, (5000,))}, 8), FailureCode.TRUNCATED),
    ],
)
def test_refuses_structures_that_do_not_fit(content, code):
    with pytest.raises(FileProblem) as caught:
        parsed(content)
    assert caught.value.code == code


def test_refuses_a_value_that_claims_to_be_huge():
    entry = struct.pack("<HHII", 273, 4, 0xFFFFFFFF, 8)
    with pytest.raises(FileProblem) as caught:
        parsed(HEAD + struct.pack("<H", 1) + entry + bytes(4))
    assert caught.value.code == FailureCode.CORRUPT


def test_refuses_more_directories_than_any_camera_writes():
    content, at = bytearray(HEAD), 8
    for _ in range(MAX_DIRECTORIES + 2):
        size = len(directory({256: (SHORT, (1,))}, at))
        content += directory({256: (SHORT, (1,))}, at, following=at + size)
        at += size
    with pytest.raises(FileProblem) as caught:
        parsed(bytes(content) + bytes(8))
    assert caught.value.code == FailureCode.CORRUPT
