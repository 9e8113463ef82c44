import os

import numpy as np
import pytest

from darkroom.camera import shared_frame
from darkroom.camera.shared_frame import StillWritten, create, map_to_write, take

SHAPE = (30, 40)
sealed = pytest.mark.skipif(not shared_frame.HAS_SEALS, reason="no sealed memory here")


@pytest.fixture(params=[True, False], ids=["sealed", "plain"])
def memory(request, monkeypatch):
    if request.param and not shared_frame.HAS_SEALS:
        pytest.skip("no sealed memory here")
    monkeypatch.setattr(shared_frame, "HAS_SEALS", request.param)
    descriptor = create(SHAPE)
    yield descriptor
    os.close(descriptor)


def test_what_one_side_writes_the_other_takes(memory):
    wanted = np.arange(1200, dtype=np.uint16).reshape(SHAPE)
    counts = map_to_write(memory, SHAPE)
    assert not counts.any()
    counts[:] = wanted
    del counts
    taken = take(memory, SHAPE)
    assert np.array_equal(taken, wanted)
    taken[:] = 0  # it is the taker's own


def test_a_taken_frame_outlives_the_descriptor():
    descriptor = create(SHAPE)
    map_to_write(descriptor, SHAPE)[:] = 7
    taken = take(descriptor, SHAPE)
    os.close(descriptor)
    assert (taken == 7).all()


@sealed
def test_memory_cannot_be_shrunk_under_the_reader():
    descriptor = create(SHAPE)
    for size in (0, 10**6):
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, size)
    os.close(descriptor)


@sealed
def test_a_frame_that_is_still_mapped_cannot_be_taken():
    descriptor = create(SHAPE)
    held = map_to_write(descriptor, SHAPE)
    with pytest.raises(StillWritten):
        take(descriptor, SHAPE)
    del held
    assert take(descriptor, SHAPE).shape == SHAPE
    os.close(descriptor)


@sealed
def test_a_taken_frame_cannot_be_written_by_the_other_side():
    descriptor = create(SHAPE)
    taken = take(descriptor, SHAPE)
    with pytest.raises(PermissionError):
        map_to_write(descriptor, SHAPE)
    with pytest.raises(PermissionError):
        os.pwrite(descriptor, b"x", 0)
    assert not taken.any()
    os.close(descriptor)
