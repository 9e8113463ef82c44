import zlib

import numpy as np
import pytest

from darkroom.picture import deflate as room
from darkroom.picture.deflate import adler32, deflate_part, zlib_stream


@pytest.fixture(params=[True, False], ids=["ISA-L", "zlib"])
def engine(request, monkeypatch):
    if request.param and not room.HAS_ISAL:
        pytest.skip("isal is not installed")
    monkeypatch.setattr(room, "HAS_ISAL", request.param)


def photo(size):
    rng = np.random.default_rng(size)
    return np.cumsum(rng.normal(0, 30, size)).astype(np.int64).astype(np.uint16)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("size", [0, 1, 70, 300_000])
def test_another_program_unpacks_every_byte(size):
    content = photo(size)
    assert zlib.decompress(zlib_stream(content)) == content.tobytes()


@pytest.mark.usefixtures("engine")
def test_parts_join_into_one_stream():
    first, second = photo(3000), np.zeros(500, np.uint16)
    joined = deflate_part(first) + deflate_part(second) + b"\x03\x00"
    assert zlib.decompress(joined, wbits=-15) == first.tobytes() + second.tobytes()


@pytest.mark.usefixtures("engine")
def test_flat_areas_nearly_vanish():
    flat = np.zeros((64, 1000, 3), np.uint16)
    packed = zlib_stream(flat)
    assert len(packed) < flat.nbytes / 50
    assert zlib.decompress(packed) == flat.tobytes()


@pytest.mark.usefixtures("engine")
def test_checksums_are_those_of_everyone():
    content = photo(5000)
    assert adler32(content) == zlib.adler32(content.tobytes())


def test_speed_does_not_cost_much_space(monkeypatch):
    if not room.HAS_ISAL:
        pytest.skip("isal is not installed")
    noise = np.random.default_rng(1).normal(0, 300, 300_000).astype(np.int16).view(np.uint16)
    fast = len(zlib_stream(noise))
    monkeypatch.setattr(room, "HAS_ISAL", False)
    assert fast < 1.04 * len(zlib_stream(noise))
