import threading

import numpy as np
import pytest

from darkroom.picture.strips import (
    BAND_ROWS,
    STRIP_ROWS,
    Pixels,
    encoded_strips,
    on_all_cores,
    strip_count,
    strips_within,
)


@pytest.mark.parametrize("rows", [1, STRIP_ROWS, STRIP_ROWS + 1, 5 * STRIP_ROWS - 1])
def test_strips_come_in_order_and_hold_every_row(rows: int) -> None:
    pixels = np.arange(rows * 6, dtype=np.uint16).reshape(rows, 2, 3)
    strips = list(encoded_strips(np.copy, pixels))
    assert len(strips) == strip_count(rows)
    np.testing.assert_array_equal(np.concatenate(strips), pixels)


def test_an_error_in_a_strip_reaches_the_caller_and_leaves_no_thread() -> None:
    def fail(strip: Pixels) -> bytes:
        raise MemoryError

    before = threading.active_count()
    with pytest.raises(MemoryError):
        list(encoded_strips(fail, np.zeros((200, 2, 3), np.uint16)))
    assert threading.active_count() == before


@pytest.mark.parametrize("rows", [0, 1, BAND_ROWS, BAND_ROWS + 1, 10 * BAND_ROWS - 1])
def test_all_cores_together_work_on_each_row_once(rows: int) -> None:
    seen = np.zeros(rows, int)

    def see(band: slice) -> None:
        seen[band] += 1

    on_all_cores(see, rows)
    assert (seen == 1).all()


def test_an_error_on_a_core_reaches_the_caller_and_leaves_no_thread() -> None:
    def fail(band: slice) -> None:
        if band.start:
            raise MemoryError

    before = threading.active_count()
    with pytest.raises(MemoryError):
        on_all_cores(fail, 5 * BAND_ROWS)
    assert threading.active_count() == before


def test_a_slice_is_cut_to_its_end() -> None:
    assert list(strips_within(slice(3, 3), 2)) == []
    assert list(strips_within(slice(0, 5), 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]
