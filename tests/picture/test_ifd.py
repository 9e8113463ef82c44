import io
import struct
from collections.abc import Iterator

import pytest
from PIL import Image

from darkroom.picture.ifd import encode_values, tiff_block, write_tiff_file

ENTRIES = (
    ("image", 272, 2, "a model name"),
    ("image", 271, 2, "abc"),
    ("exif", 33434, 5, (1, 30)),
    ("exif", 37380, 10, (-2, 3)),
    ("exif", 36864, 7, b"0232"),
    ("gps", 6, 5, (1234, 10)),
    ("gps", 1, 2, "N"),
)


def parsed(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + block)
    return exif


def test_another_reader_finds_every_value() -> None:
    exif = parsed(tiff_block(ENTRIES))
    assert (exif[271], exif[272]) == ("abc", "a model name")
    camera, place = exif.get_ifd(34665), exif.get_ifd(34853)
    assert camera[33434] == pytest.approx(1 / 30)
    assert camera[37380] == pytest.approx(-2 / 3)
    assert camera[36864] == b"0232"
    assert (place[1], place[6]) == ("N", pytest.approx(123.4))


def test_directories_without_entries_are_not_pointed_to() -> None:
    exif = parsed(tiff_block(ENTRIES[:2]))
    assert 34665 not in exif
    assert 34853 not in exif


def test_rows_are_sorted_and_values_start_on_even_offsets() -> None:
    block = tiff_block([("image", 315, 2, "four"), ("image", 270, 2, "sixsix")])
    rows = [struct.unpack_from("<HHII", block, 10 + 12 * index) for index in range(2)]
    assert [row[0] for row in rows] == [270, 315]
    assert [row[3] % 2 for row in rows] == [0, 0]
    assert block[rows[1][3] :][:5] == b"four\0"


def test_the_last_of_equal_tags_wins() -> None:
    assert parsed(tiff_block([("image", 271, 2, "old"), ("image", 271, 2, "new")]))[271] == "new"


def test_the_order_of_the_entries_does_not_matter() -> None:
    assert tiff_block(ENTRIES) == tiff_block(ENTRIES[::-1])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (99, (1,)),
        (3, (65536,)),
        (4, (-1,)),
        (5, (1, 2, 3)),
        (5, (0.5, 1)),
        (2, b"bytes"),
        (7, "text"),
        (3, [1]),
        (3, None),
    ],
)
def test_values_that_do_not_fit_their_type_are_refused(kind: int, values: object) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encode_values(kind, values)


def test_strips_lie_where_the_directory_says() -> None:
    strips = [b"first", b"second!", b"3"]
    file = io.BytesIO()
    write_tiff_file(file, [("image", 256, 4, (1,))], iter(strips), 3)
    content = file.getvalue()
    rows = {
        row[0]: row for row in (struct.unpack_from("<HHII", content, 10 + 12 * i) for i in range(3))
    }
    offsets = struct.unpack_from("<3I", content, rows[273][3])
    lengths = struct.unpack_from("<3I", content, rows[279][3])
    found = [content[at : at + length] for at, length in zip(offsets, lengths, strict=True)]
    assert found == strips
    assert offsets[-1] + lengths[-1] == len(content)


def test_a_file_whose_writing_broke_off_is_no_tiff() -> None:
    def broken() -> Iterator[bytes]:
        yield b"first strip"
        raise OSError("disk full")

    file = io.BytesIO()
    with pytest.raises(OSError, match="disk full"):
        write_tiff_file(file, [("image", 256, 4, (1,))], broken(), 2)
    assert not file.getvalue().startswith(b"II")
