import io
from collections.abc import Callable

import numpy as np
import pytest

from darkroom.zoo.foreign.sorted_table import Damaged
from darkroom.zoo.foreign.tensorflow import fields_of, read_bundle
from tests.zoo.foreign.checkpoints import bundle, field, table

ARRAYS = {
    "g_conv1_1/weights": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
    "g_conv1_1/biases": np.float32([1.5, -2]),
    "scale": np.float32(3).reshape(()),
}


def test_gives_back_what_was_written() -> None:
    index, data = bundle(ARRAYS)
    read = read_bundle(index, io.BytesIO(data))
    assert read.keys() == ARRAYS.keys()
    for name, tensor in read.items():
        np.testing.assert_array_equal(tensor.numpy(), ARRAYS[name])


def test_what_only_training_needs_is_left_out() -> None:
    more = dict.fromkeys(("a/Adam", "a/Adam_1", "beta2_power", "global_step"), np.zeros(2))
    index, data = bundle(ARRAYS | more)
    assert read_bundle(index, io.BytesIO(data)).keys() == ARRAYS.keys()


def test_other_types_are_left_out() -> None:
    _, data = bundle(ARRAYS)
    whole = table({b"": field(1, 1), b"steps": field(1, 9) + field(5, 8)})
    assert read_bundle(whole, io.BytesIO(data)) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: b"\1" + data[1:], "damaged or of another checkpoint"),
        (lambda data: b"", "cut short"),
    ],
)
def test_data_that_do_not_belong_are_refused(change: Callable[[bytes], bytes], said: str) -> None:
    index, data = bundle(ARRAYS)
    with pytest.raises(Damaged, match=said):
        read_bundle(index, io.BytesIO(change(data)))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (field(1, 1) + field(2, field(2, field(1, 1 << 60))) + field(5, 4), "another size"),
        (field(1, 1) + field(3, 1) + field(5, 4), "another size"),
        (field(1, 1) + field(4, 1 << 62) + field(5, 4), "cut short"),
        (field(1, 1) + b"\x12\x7f", "cut short"),
    ],
)
def test_impossible_entries_are_refused(entry: bytes, said: str) -> None:
    index = table({b"": field(1, 1), b"weights": entry})
    with pytest.raises(Damaged, match=said):
        read_bundle(index, io.BytesIO(bytes(8)))


@pytest.mark.parametrize(
    ("header", "said"), [(field(1, 2), "2 files"), (field(1, 1) + field(2, 1), "big-endian")]
)
def test_other_ways_to_store_are_refused(header: bytes, said: str) -> None:
    with pytest.raises(Damaged, match=said):
        read_bundle(table({b"": header}), io.BytesIO())


def test_fields_are_numbers_or_bytes() -> None:
    message = field(1, 300) + field(2, b"ab") + bytes([3 << 3 | 5, 1, 0, 0, 0])
    assert list(fields_of(message)) == [(1, 300), (2, b"ab"), (3, 1)]
