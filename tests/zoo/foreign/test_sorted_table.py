import pytest

from darkroom.zoo.foreign.sorted_table import Damaged, entries, is_table, read_table, varint
from tests.zoo.foreign.checkpoints import table

ITEMS = {f"conv{n}/weights".encode(): bytes([n]) * n for n in range(40)} | {b"": b"header"}


def test_gives_every_entry_in_order() -> None:
    assert list(read_table(table(ITEMS))) == sorted(ITEMS.items())


def test_an_empty_table_has_no_entries() -> None:
    assert list(read_table(table({}))) == []


def test_is_known_by_its_end() -> None:
    assert is_table(table(ITEMS)[-8:])
    assert not is_table(b"PK\x03\x04")


def test_every_damaged_byte_is_found() -> None:
    whole = table(ITEMS)
    for at in range(0, len(whole) - 48, 17):
        broken = bytearray(whole)
        broken[at] ^= 0x10
        with pytest.raises(Damaged):
            list(read_table(bytes(broken)))


@pytest.mark.parametrize("length", [0, 7, 47, 48, 100, 300])
def test_a_table_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(Damaged):
        list(read_table(table(ITEMS)[-length:] if length else b""))
    with pytest.raises(Damaged):
        list(read_table(table(ITEMS)[:length]))


def test_compression_is_refused_by_its_name() -> None:
    with pytest.raises(Damaged, match="snappy"):
        list(read_table(table(ITEMS, kind=1)))


def test_a_key_cannot_share_what_is_not_there() -> None:
    with pytest.raises(Damaged, match="inconsistent"):
        list(entries(bytes([5, 1, 1, 65, 66]) + bytes(4)))


def test_a_number_ends() -> None:
    with pytest.raises(Damaged):
        varint(b"\xff" * 20, 0)
    with pytest.raises(Damaged):
        varint(b"\xff", 0)
