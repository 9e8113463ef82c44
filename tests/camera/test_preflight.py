import errno
import io
import struct

import pytest

from darkroom.camera import preflight as module
from darkroom.camera.limits import Limits
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import BYTE, LONG, MONOCHROME, SHORT, dng_bytes, noisy_mosaic, tiff_bytes

RW2_SIZE = {2: (SHORT, (140,)), 3: (SHORT, (100,)), 45: (SHORT, (4,))}


def preflight(path, limits=Limits(), **options):  # noqa: B008
    with path.open("rb") as file:
        return module.preflight(file, limits, **options)


def refusal(path, limits=Limits()) -> FileProblem:  # noqa: B008
    with pytest.raises(FileProblem) as caught:
        preflight(path, limits)
    return caught.value


def written(tmp_path, content: bytes, name: str = "frame.ARW"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_whole_file_passes_and_gives_its_directories(tmp_path):
    tiff = preflight(written(tmp_path, dng_bytes(noisy_mosaic())))
    assert tiff.is_dng


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


@pytest.mark.parametrize(
    "change",
    [
        {256: (LONG, (0,))},
        {256: (LONG, (21,))},
        {258: (SHORT, (1,))},
        {258: (SHORT, (33,))},
        {50829: (LONG, (0, 0, 97, 128))},
        {50829: (LONG, (0, 0, 96, 129))},
        {50829: (LONG, (50, 0, 20, 128))},
        {50829: (LONG, (0, 0, 96, 21))},
    ],
)
def test_impossible_shapes_are_refused(tmp_path, change):
    change |= {279: (LONG, (60_000,))}
    content = dng_bytes(noisy_mosaic(), change=change) + bytes(80_000)
    assert refusal(written(tmp_path, content)).code == FailureCode.METADATA


@pytest.mark.parametrize("area", [(0, 0, 96, 128), (3, 5, 91, 121), (0, 0, 0, 0)])
def test_possible_shapes_pass(tmp_path, area):
    content = dng_bytes(noisy_mosaic(), change={50829: (LONG, area)})
    assert preflight(written(tmp_path, content)).is_dng


def test_limits_are_the_callers(tmp_path):
    path = written(tmp_path, dng_bytes(noisy_mosaic()))
    assert refusal(path, Limits(max_pixels=96 * 128 - 1)).code == FailureCode.TOO_BIG
    assert refusal(path, Limits(min_bytes=10**6)).code == FailureCode.TRUNCATED
    assert preflight(path, Limits(max_pixels=96 * 128)).is_dng


def test_a_failing_card_is_named(tmp_path):
    class Failing(io.FileIO):
        def read(self, size=-1):
            raise OSError(errno.EIO, "Input/output error")

    path = written(tmp_path, dng_bytes(noisy_mosaic()))
    with Failing(path) as file, pytest.raises(FileProblem, match="Input/output") as caught:
        module.preflight(file)
    assert caught.value.code == FailureCode.CORRUPT


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
    head += struct.pack(">6I", 120, 100, 220, 80, 300, 1700)
    assert preflight(written(tmp_path, head.ljust(2000, b"\1"))) is None
    assert refusal(written(tmp_path, head.ljust(1999, b"\1"))).code == FailureCode.TRUNCATED


@pytest.mark.parametrize("long_box", [False, True])
def test_canon_files_are_measured_by_their_boxes(tmp_path, long_box):
    head = struct.pack(">I4s4sII", 24, b"ftyp", b"crx ", 1, 0) + b"isom"
    box = struct.pack(">I4s", 1776, b"mdat")
    if long_box:
        box = struct.pack(">I4sQ", 1, b"mdat", 1776)
    assert preflight(written(tmp_path, (head + box).ljust(1800, b"\1"))) is None
    assert refusal(written(tmp_path, (head + box).ljust(1799, b"\1"))).code == FailureCode.TRUNCATED


def test_unknown_structures_are_left_to_the_decoder(tmp_path):
    assert preflight(written(tmp_path, b"FOVb" + b"\x8f" * 2000)) is None


def test_a_dng_without_colours_but_with_a_grey_photometric_is_monochrome(tmp_path):
    change = {33421: None, 33422: None, 262: (SHORT, (1,)), 50710: (BYTE, b"\0\1\2")}
    problem = refusal(written(tmp_path, dng_bytes(noisy_mosaic(), change=change)))
    assert problem.code == FailureCode.NOT_BAYER


def test_monochrome_sensors_pass_where_they_are_wanted(tmp_path):
    path = written(tmp_path, dng_bytes(noisy_mosaic(), change=MONOCHROME))
    assert refusal(path).code == FailureCode.NOT_BAYER
    assert preflight(path, monochrome=True).is_dng


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_tiff_pictures_are_no_monochrome_sensors(tmp_path, photometric):
    change = {**MONOCHROME, 50706: None, 262: (SHORT, (photometric,))}
    path = written(tmp_path, dng_bytes(noisy_mosaic(), change=change))
    for wanted in (False, True):
        with pytest.raises(FileProblem) as caught:
            preflight(path, monochrome=wanted)
        assert caught.value.code == FailureCode.NOT_RAW


def test_a_lossless_jpeg_part_without_its_mark_is_corrupt(tmp_path):
    # LibRaw would hand out unwritten memory here.
    content = dng_bytes(noisy_mosaic(), change={259: (SHORT, (7,))})
    assert refusal(written(tmp_path, content)).code == FailureCode.CORRUPT


def test_no_directory_at_all_is_corrupt(tmp_path):
    assert refusal(written(tmp_path, b"II*\0" + bytes(2000))).code == FailureCode.CORRUPT
