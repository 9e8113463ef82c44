import pytest
from PIL import Image

from darkroom.picture.icc import icc_profile
from darkroom.picture.metadata import (
    PictureMetadata,
    carried_entries,
    exif_block,
    safe_text,
    without_gps,
)

EXIF, GPS = 34665, 34853


def read(metadata: PictureMetadata) -> Image.Exif:
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + exif_block(metadata))
    return exif


def test_camera_facts_travel(full_metadata: PictureMetadata) -> None:
    exif = read(full_metadata)
    assert (exif[271], exif[272], exif[306]) == ("Maker", "Model 7", "2024:05:06 07:08:09")
    camera = exif.get_ifd(EXIF)
    assert camera[33434] == pytest.approx(1 / 30)
    assert (camera[34855], camera[33437], camera[42036]) == (1600, 2.8, "35mm F1.4")
    assert exif.get_ifd(GPS)[2] == (52, 30, 0)


def test_pixels_are_said_to_be_upright_whatever_the_source_said(
    full_metadata: PictureMetadata,
) -> None:
    assert read(full_metadata)[274] == 1


def test_the_program_and_the_standard_name_themselves(full_metadata: PictureMetadata) -> None:
    exif = read(full_metadata)
    assert exif[305] == "darkroom 1.2.3"
    assert exif.get_ifd(EXIF)[36864] == b"0232"
    assert exif.get_ifd(GPS)[0] == bytes([2, 3, 0, 0])


@pytest.mark.parametrize(
    ("profile", "said"),
    [(None, 1), (icc_profile("srgb"), 1), (icc_profile("linear-srgb"), 65535)],
)
def test_colour_space_follows_the_profile(profile: bytes | None, said: int) -> None:
    assert read(PictureMetadata(icc=profile)).get_ifd(EXIF)[40961] == said


def test_the_place_can_be_left_out(full_metadata: PictureMetadata) -> None:
    entries = without_gps(full_metadata.exif)
    assert GPS not in read(PictureMetadata(entries))
    assert len(entries) == len(full_metadata.exif) - 4


@pytest.mark.parametrize(
    "entry",
    [
        ("exif", 37500, 7, b"maker note"),
        ("exif", 40962, 4, (6000,)),
        ("exif", 40965, 4, (1234,)),
        ("exif", 41730, 7, b"pattern"),
        ("exif", 59932, 7, bytes(100)),
        ("image", 273, 4, (8,)),
        ("image", 330, 4, (8,)),
        ("image", 513, 4, (8,)),
        ("image", 34665, 4, (8,)),
        ("image", 50721, 10, (1, 1) * 9),
        ("thumbnail", 271, 2, "Maker"),
        ("exif", 34855, 77, (100,)),
        ("exif", 34855, 3, (100000,)),
        ("exif", 33434, 5, (1,)),
        ("exif", 34855, 3, ()),
        ("exif", 37510, 7, bytes(70000)),
    ],
)
def test_what_is_private_unfit_or_no_longer_true_stays_behind(
    entry: tuple[str, int, int, object],
) -> None:
    assert carried_entries([entry]) == ()


def test_texts_lose_control_characters_and_keep_their_letters() -> None:
    assert safe_text("A\x1b[31m\r\nB\0\x9b\u202e\ud800") == "A[31mB"
    assert safe_text("© Zoë 写真") == "© Zoë 写真"
    assert len(safe_text("x" * 10_000)) == 4096
    assert carried_entries([("image", 315, 2, " Zoë\x07 ")]) == (("image", 315, 2, "Zoë"),)


def test_a_description_replaces_that_of_the_source() -> None:
    source = (("image", 270, 2, "OLYMPUS DIGITAL CAMERA"),)
    assert read(PictureMetadata(source))[270] == "OLYMPUS DIGITAL CAMERA"
    assert read(PictureMetadata(source, description="ratio 100"))[270] == "ratio 100"
