import io
import struct
from types import SimpleNamespace

import exifread
import pytest

from darkroom.camera import exif
from darkroom.camera.exif import (
    EXIF_TAGS,
    MAX_TEXT,
    clean_text,
    exposure_entries,
    exposure_of,
    first_number,
    rational,
    text_of,
)
from darkroom.camera.raw import Exposure
from tests.raw_files import (
    ASCII,
    BYTE,
    EXIF,
    LONG,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    directory,
    dng_bytes,
    noisy_mosaic,
    tiff_bytes,
)

RICH = {
    **EXIF,
    34850: (SHORT, (3,)),
    37380: (SRATIONAL, (-2, 3)),
    37383: (SHORT, (5,)),
    37385: (SHORT, (16,)),
    42034: (RATIONAL, (24, 1, 70, 1, 0, 0, 0, 0)),
    37500: (UNDEFINED, b"maker note" * 20),
    40962: (LONG, (6000,)),
}
GPS = {1: (ASCII, "N"), 2: (RATIONAL, (48, 1, 51, 1, 2989, 100)), 5: (BYTE, b"\0")}


def written(tmp_path, content: bytes):
    path = tmp_path / "frame.dng"
    path.write_bytes(content)
    return path


def read_exif(path):
    with path.open("rb") as file:
        return exif.read_exif(file)


def keyed(entries):
    return {entry[:2]: entry[2:] for entry in entries}


def with_gps() -> bytes:
    """Return a DNG whose first directory points at a GPS directory behind the image."""
    change = {34853: (LONG, (0,)), 315: (ASCII, "Ada"), 33432: (ASCII, "(c) Ada")}
    size = len(dng_bytes(noisy_mosaic(), change=change, exif=RICH))
    change[34853] = (LONG, (size,))
    content = dng_bytes(noisy_mosaic(), change=change, exif=RICH)
    return content + directory(GPS, size)


def test_carries_image_exposure_lens_and_place(tmp_path):
    entries = keyed(read_exif(written(tmp_path, with_gps())))
    assert entries["image", 271] == (ASCII, "Testmaker")
    assert entries["image", 315] == (ASCII, "Ada")
    assert entries["image", 33432] == (ASCII, "(c) Ada")
    assert entries["exif", 33434] == (RATIONAL, (1, 30))
    assert entries["exif", 33437] == (RATIONAL, (14, 5))
    assert entries["exif", 34855] == (SHORT, (1600,))
    assert entries["exif", 37380] == (SRATIONAL, (-2, 3))
    assert entries["exif", 36867] == (ASCII, "2024:05:06 07:08:09")
    assert entries["exif", 42034] == (RATIONAL, (24, 1, 70, 1, 0, 0, 0, 0))
    assert entries["gps", 1] == (ASCII, "N")
    assert entries["gps", 2] == (RATIONAL, (48, 1, 51, 1, 2989, 100))
    assert entries["gps", 5] == (BYTE, b"\0")


def test_leaves_structure_behind(tmp_path):
    tags = {entry[1] for entry in read_exif(written(tmp_path, with_gps())) if entry[0] != "gps"}
    structural = {256, 257, 258, 259, 262, 273, 274, 279, 33421, 33422, 34665, 34853}
    assert not tags & (structural | {37500, 40962} | set(range(50706, 52600)))


def test_zeros_that_mean_unknown_are_not_carried(tmp_path):
    zeros = {33434: (RATIONAL, (0, 1)), 33437: (RATIONAL, (0, 0)), 34855: (SHORT, (0,))}
    path = written(tmp_path, dng_bytes(noisy_mosaic(), exif={**zeros, 37380: (SRATIONAL, (0, 1))}))
    entries = keyed(read_exif(path))
    assert not entries.keys() & {("exif", tag) for tag in zeros}
    assert entries["exif", 37380] == (SRATIONAL, (0, 1))


def test_texts_are_cleaned(tmp_path):
    change = {315: (ASCII, b"J\xf6rg\x1b[2J\x00"), 270: (ASCII, "d" * 9000)}
    path = written(tmp_path, dng_bytes(noisy_mosaic(), change=change))
    entries = keyed(read_exif(path))
    assert "\x1b" not in entries["image", 315][1]
    assert len(entries["image", 270][1]) <= MAX_TEXT


@pytest.mark.parametrize(
    "content",
    [b"", b"junk" * 500, b"II*\0\xff\xff\xff\x7f" + bytes(900), bytes(3000)],
)
def test_junk_gives_nothing(tmp_path, content, capfd):
    assert read_exif(written(tmp_path, content)) == ()
    assert capfd.readouterr() == ("", "")


def test_whatever_exifread_raises_is_no_problem(tmp_path, monkeypatch):
    def explode(*_, **__):
        raise IndexError("list index out of range")

    monkeypatch.setattr(exifread, "process_file", explode)
    assert read_exif(written(tmp_path, dng_bytes(noisy_mosaic()))) == ()


def test_odd_values_are_left_out(tmp_path, monkeypatch):
    odd = {
        "EXIF ExposureTime": SimpleNamespace(tag=33434, field_type=12, values=[0.5]),
        "Image Make": SimpleNamespace(tag=271, field_type=ASCII, values=""),
        "JPEGThumbnail": b"\xff\xd8",
    }
    monkeypatch.setattr(exifread, "process_file", lambda *_, **__: odd)
    assert read_exif(written(tmp_path, b"anything")) == ()


def tiff_block(entries) -> bytes:
    return tiff_bytes(entries, b"")


def test_finds_the_boxes_of_canon(tmp_path):
    image = {271: (ASCII, "Canon"), 272: (ASCII, "Canon EOS R5")}
    content = struct.pack(">I4s4s", 12, b"ftyp", b"crx ")
    for name, entries in ((b"CMT1", image), (b"CMT2", EXIF), (b"CMT4", GPS)):
        block = tiff_block(entries)
        content += struct.pack(">I4s", 8 + len(block), name) + block
    found = keyed(read_exif(written(tmp_path, content)))
    assert found["image", 272] == (ASCII, "Canon EOS R5")
    assert found["exif", 34855] == (SHORT, (1600,))
    assert found["gps", 2] == (RATIONAL, (48, 1, 51, 1, 2989, 100))


def test_finds_the_preview_of_fuji(tmp_path):
    block = b"Exif\0\0" + tiff_block({271: (ASCII, "FUJIFILM")})
    jpeg = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(block)) + block + b"\xff\xd9"
    head = b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">II", 200, len(jpeg))
    found = keyed(read_exif(written(tmp_path, head.ljust(200, b"\0") + jpeg)))
    assert found["image", 271] == (ASCII, "FUJIFILM")


def test_exposure_is_read_from_entries(tmp_path):
    entries = read_exif(written(tmp_path, dng_bytes(noisy_mosaic())))
    exposure = exposure_of(entries)
    assert exposure.seconds == pytest.approx(1 / 30)
    assert exposure.iso == 1600
    assert exposure.aperture == pytest.approx(2.8)
    assert exposure_of(()) == Exposure()


def test_what_the_decoder_knows_becomes_entries():
    exposure = Exposure(1 / 60, 102_400, 2.8)
    entries = exposure_entries(exposure, focal_length=35.0, artist="Ada", lens="Lens")
    assert exposure_of(entries).seconds == pytest.approx(1 / 60)
    assert exposure_of(entries).iso == 65_535  # the most the tag can hold
    assert text_of(entries, 42036) == "Lens"
    assert text_of(entries, 315) == "Ada"
    assert exposure_entries(Exposure()) == ()


@pytest.mark.parametrize("value", [30.0, 0.5, 1 / 60, 1 / 8000, 2.8, 1e-5])
def test_fractions_are_short_and_exact_enough(value):
    above, below = rational(value)
    assert above / below == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (b"plain\0\0", "plain"),
        ("tab\tnew\nline", "tabnewline"),
        ("\u202egnp.exe", "gnp.exe"),
        ("<script>", "<script>"),
        (b"\xc3\xa9", "é"),
        (b"\xe9", "é"),
        ("\udcff", ""),
    ],
)
def test_clean_text(text, clean):
    assert clean_text(text) == clean


def test_the_list_of_tags_has_no_structure_in_it():
    assert not EXIF_TAGS & {34665, 34853, 37500, 40960, 40961, 40962, 40963, 40965}


def test_blocks_are_read_from_memory_too():
    assert exifread.process_file(io.BytesIO(tiff_block({271: (ASCII, "Canon")})), details=False)


def test_fractions_over_zero_are_no_numbers_however_many_follow():
    assert first_number(("exif", 33434, RATIONAL, (1, 0, 1, 10))) is None
    assert first_number(("exif", 33434, RATIONAL, (1, 4, 1, 0))) == 0.25
