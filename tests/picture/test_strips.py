import threading
import zlib

import numpy as np
import pytest

from darkroom.picture.strips import (
    BARE_DEFLATE,
    STRIP_ROWS,
    ZLIB_STREAM,
    Pixels,
    deflate,
    encoded_strips,
    strip_count,
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


def test_pieces_that_end_on_a_byte_join_into_one_stream() -> None:
    first, second = np.arange(300, dtype=np.uint16), np.zeros(500, np.uint16)
    joined = deflate(first, window_bits=BARE_DEFLATE, ending=zlib.Z_SYNC_FLUSH)
    joined += deflate(second, window_bits=BARE_DEFLATE, ending=zlib.Z_FINISH)
    assert zlib.decompress(joined, wbits=-15) == first.tobytes() + second.tobytes()


def test_flat_areas_nearly_vanish() -> None:
    flat = np.zeros((64, 1000, 3), np.uint16)
    packed = deflate(flat, window_bits=ZLIB_STREAM, ending=zlib.Z_FINISH)
    assert len(packed) < flat.nbytes / 100
    assert zlib.decompress(packed) == flat.tobytes()
