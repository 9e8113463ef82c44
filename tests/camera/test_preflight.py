import os
import struct
from pathlib import Path

import pytest

from darkroom.camera.preflight import preflight
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import BYTE, LONG, SHORT, dng_bytes, noisy_mosaic, tiff_bytes

RW2_SIZE = {2: (SHORT, (140,)), 3: (SHORT, (100,)), 45: (SHORT, (4,))}


def refusal(path) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        preflight(path)
    return caught.value


def written(tmp_path, content: bytes, name: str = "frame.ARW"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_whole_file_passes_and_gives_its_directories(tmp_path):
    tiff = preflight(written(tmp_path, dng_bytes(noisy_mosaic())))
    assert tiff.is_dng


def test_missing_file(tmp_path):
    problem = refusal(tmp_path / "none.dng")
    assert problem.code == FailureCode.NOT_REGULAR
    assert "does not exist" in problem.what


def test_empty_file(tmp_path):
    assert refusal(written(tmp_path, b"")).code == FailureCode.EMPTY


def test_folder(tmp_path):
    problem = refusal(tmp_path)
    assert problem.code == FailureCode.NOT_REGULAR
    assert "folder" in problem.what


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.dng")
    assert refusal(tmp_path / "pipe.dng").code == FailureCode.NOT_REGULAR


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_link_to_a_device_is_refused(tmp_path):
    (tmp_path / "zero.dng").symlink_to("/dev/zero")
    assert refusal(tmp_path / "zero.dng").code == FailureCode.NOT_REGULAR


def test_a_dangling_link_is_named(tmp_path):
    (tmp_path / "gone.dng").symlink_to(tmp_path / "nothing")
    assert "link" in refusal(tmp_path / "gone.dng").what


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(tmp_path):
    path = written(tmp_path, dng_bytes(noisy_mosaic()))
    path.chmod(0)
    assert "cannot be read" in refusal(path).what


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(2000), "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "PNG"),
        (b"\0\0\0\x20ftypisom" + bytes(2000), "MP4"),
        (b"Dear diary, " * 100, "text"),
        (bytes(2000), "zeros"),
    ],
)
def test_other_file_types_are_named(tmp_path, content, name):
    problem = refusal(written(tmp_path, content))
    assert problem.code == FailureCode.NOT_RAW
    assert name in problem.what


@pytest.mark.parametrize("content", [b"\x07", b"II*\0\x08\0\0\0", b"II*\0\x08\0\0\0" + bytes(90)])
def test_stumps_are_truncated(tmp_path, content):
    assert refusal(written(tmp_path, content)).code == FailureCode.TRUNCATED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({256: (LONG, (65_535,)), 257: (LONG, (65_535,))}, FailureCode.TOO_BIG),
        ({256: (LONG, (10_000,)), 257: (LONG, (10_000,))}, FailureCode.TRUNCATED),
        ({257: (LONG, (97,))}, FailureCode.TRUNCATED),
        ({279: (LONG, (10**8,))}, FailureCode.TRUNCATED),
        ({273: (LONG, (8, 16))}, FailureCode.CORRUPT),
        ({50714: (SHORT, (20_000,) * 4)}, FailureCode.METADATA),
        # A lossless compression cannot reach a twentieth of a byte a pixel either.
        (
            {256: (LONG, (9000,)), 257: (LONG, (9000,)), 259: (SHORT, (7,))},
            FailureCode.TRUNCATED,
        ),
    ],
)
def test_impossible_structures_are_refused(tmp_path, change, code):
    assert refusal(written(tmp_path, dng_bytes(noisy_mosaic(), change=change))).code == code


def panasonic(image: bytes) -> bytes:
    """Return an RW2-like file: it states the unpacked size of packed data, and no strip offset."""
    entries = RW2_SIZE | {273: (LONG, (0xFFFFFFFF,)), 279: (LONG, (28_000,)), 280: (LONG, (400,))}
    content = tiff_bytes(entries, b"").ljust(400, b"\0") + image
    return b"IIU\0" + content[4:]


def test_panasonic_files_are_measured_by_their_packing(tmp_path):
    assert preflight(written(tmp_path, panasonic(bytes(16_000)))).magic == 0x55
    assert refusal(written(tmp_path, panasonic(bytes(15_000)))).code == FailureCode.TRUNCATED


def test_fuji_files_are_measured_by_their_header(tmp_path):
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"\0")
    head += struct.pack(">6I", 120, 100, 220, 80, 300, 700)
    assert preflight(written(tmp_path, head.ljust(1000, b"\1"))) is None
    assert refusal(written(tmp_path, head.ljust(999, b"\1"))).code == FailureCode.TRUNCATED


@pytest.mark.parametrize("long_box", [False, True])
def test_canon_files_are_measured_by_their_boxes(tmp_path, long_box):
    head = struct.pack(">I4s4sII", 24, b"ftyp", b"crx ", 1, 0) + b"isom"
    box = struct.pack(">I4s", 776, b"mdat")
    if long_box:
        box = struct.pack(">I4sQ", 1, b"mdat", 776)
    assert preflight(written(tmp_path, (head + box).ljust(800, b"\1"))) is None
    assert refusal(written(tmp_path, (head + box).ljust(799, b"\1"))).code == FailureCode.TRUNCATED


def test_unknown_structures_are_left_to_the_decoder(tmp_path):
    assert preflight(written(tmp_path, b"FOVb" + b"\x8f" * 1000)) is None


def test_a_dng_without_colours_but_with_a_grey_photometric_is_monochrome(tmp_path):
    change = {33421: None, 33422: None, 262: (SHORT, (1,)), 50710: (BYTE, b"\0\1\2")}
    problem = refusal(written(tmp_path, dng_bytes(noisy_mosaic(), change=change)))
    assert problem.code == FailureCode.NOT_BAYER


def test_a_lossless_jpeg_part_without_its_mark_is_corrupt(tmp_path):
    # LibRaw would hand out unwritten memory here.
    content = dng_bytes(noisy_mosaic(), change={259: (SHORT, (7,))})
    assert refusal(written(tmp_path, content)).code == FailureCode.CORRUPT


def test_no_directory_at_all_is_corrupt(tmp_path):
    assert refusal(written(tmp_path, b"II*\0" + bytes(600))).code == FailureCode.CORRUPT
