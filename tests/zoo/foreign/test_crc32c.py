import os

import pytest

from darkroom.zoo.foreign.crc32c import ALL_ONES, TABLE, crc32c, masked


def one_by_one(data: bytes) -> int:
    state = ALL_ONES
    for byte in data:
        state = int(TABLE[(state ^ byte) & 0xFF]) ^ state >> 8
    return state ^ ALL_ONES


@pytest.mark.parametrize(
    ("data", "known"),  # RFC 3720, appendix B.4
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_known_values(data: bytes, known: int) -> None:
    assert crc32c(data) == known


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, 2048, 5000])
def test_pieces_are_joined_as_if_there_were_none(length: int) -> None:
    data = os.urandom(length)
    assert crc32c(data) == one_by_one(data)


def test_every_bit_counts() -> None:
    data = bytearray(3000)
    for at in (0, 3, 1500, 2999):
        data[at] ^= 1
        assert crc32c(bytes(data)) != crc32c(bytes(3000))
        data[at] ^= 1


def test_a_masked_checksum_is_another_number() -> None:
    assert masked(crc32c(b"foo")) != crc32c(b"foo")
    assert masked(masked(crc32c(b"foo"))) != masked(crc32c(b"foo"))
    assert masked(0) == 0xA282EAD8
