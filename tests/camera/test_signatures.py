import pytest

from darkroom.camera.signatures import BRANDS, SIGNATURES, foreign_type
from tests.raw_files import dng_bytes, noisy_mosaic


@pytest.mark.parametrize(("offset", "signature", "name"), SIGNATURES)
def test_every_signature_is_found_at_its_place(offset, signature, name):
    assert foreign_type(b"\x80" * offset + signature + b"\x80" * 64) == name


@pytest.mark.parametrize("brand", BRANDS)
def test_every_brand_has_its_name(brand):
    assert foreign_type(b"\0\0\0\x18ftyp" + brand + bytes(64)) == BRANDS[brand]


@pytest.mark.parametrize(
    "head",
    [
        dng_bytes(noisy_mosaic())[:4096],
        b"\0\0\0\x18ftypcrx \0\0\0\1",
        b"FUJIFILMCCD-RAW \xff\0\1",
        b"FOVb\0\0\3\0\x99",
        b"\0MRM\0\1\x90",
    ],
)
def test_raw_files_are_not_foreign(head):
    assert foreign_type(head) == ""


def test_text_cut_inside_a_character_is_text():
    assert foreign_type(("x" + "ö" * 3000).encode()[:4096]) == "a text file"
