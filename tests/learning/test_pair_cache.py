import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import FileProblem, StoppedEarly
from darkroom.learning import pair_cache
from darkroom.learning.pair_cache import (
    START,
    CachedFrame,
    PairCache,
    cached_frame,
    data_file,
    index_file,
    key_of,
    open_cache,
    pixels_of,
)
from darkroom.learning.pair_frames import Kind, decoded
from tests.learning.pair_files import colours, write_frame

SIZE = START + 2 * 4 * 24 * 32  # bytes of the counts of one frame


@pytest.fixture
def cache(tmp_path: Path) -> PairCache:
    return open_cache(tmp_path / "cache", gigabytes=1)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded from now on."""
    names: list[str] = []

    def counted(source: Path, kind: Kind) -> object:
        names.append(source.name)
        return decoded(source, kind)

    monkeypatch.setattr(pair_cache, "decoded", counted)
    return names


def frame(folder: Path, name: str = "a.dng", seed: int = 0) -> Path:
    return write_frame(folder / name, colours((48, 64), seed), ratio=10, seed=seed)


def data_of(cached: CachedFrame) -> Path:
    return data_file(cached.cache, cached.key)


def used_at(cached: CachedFrame, seconds: int) -> None:
    os.utime(data_of(cached), (seconds, seconds))


@pytest.mark.parametrize("kind", ["counts", "truth"])
def test_a_frame_is_decoded_once_and_mapped(
    tmp_path: Path, cache: PairCache, decodings: list[str], kind: Kind
) -> None:
    source = frame(tmp_path)
    first, again = (cached_frame(cache, source, kind) for _ in range(2))
    pixels = pixels_of(again)
    facts, expected = decoded(source, kind)
    assert decodings == ["a.dng"]
    assert first == again
    assert again.facts == facts
    assert isinstance(pixels, np.memmap)
    assert not pixels.flags.writeable
    assert np.array_equal(pixels, expected)
    assert data_of(first).stat().st_size == first.bytes


def test_both_kinds_of_one_file_are_two_frames(tmp_path: Path, cache: PairCache) -> None:
    source = frame(tmp_path)
    assert key_of(source, "counts") != key_of(source, "truth")


def test_a_changed_file_is_decoded_again(
    tmp_path: Path, cache: PairCache, decodings: list[str]
) -> None:
    first = cached_frame(cache, frame(tmp_path), "counts")
    source = frame(tmp_path, seed=1)
    os.utime(source, (1, 1))
    second = cached_frame(cache, source, "counts")
    assert decodings == ["a.dng", "a.dng"]
    assert not np.array_equal(pixels_of(first), pixels_of(second))


def flip_byte(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: flip_byte(path, 0),
        lambda path: flip_byte(path, 13),
        lambda path: flip_byte(path, 33),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
    ],
)
def test_damaged_pixels_are_made_again(
    tmp_path: Path, cache: PairCache, harm: Callable[[Path], None]
) -> None:
    cached = cached_frame(cache, frame(tmp_path), "counts")
    before, content = np.array(pixels_of(cached)), data_of(cached).read_bytes()
    harm(data_of(cached))
    assert np.array_equal(pixels_of(cached), before)
    assert data_of(cached).read_bytes() == content


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_text(path.read_text().replace("16383", "16382")),
        lambda path: path.write_text(path.read_text()[:-3]),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.unlink(),
    ],
)
def test_a_damaged_index_is_made_again(
    tmp_path: Path, cache: PairCache, decodings: list[str], harm: Callable[[Path], None]
) -> None:
    source = frame(tmp_path)
    cached = cached_frame(cache, source, "counts")
    harm(index_file(cache, cached.key))
    assert cached_frame(cache, source, "counts") == cached
    assert len(decodings) == 2


def test_frames_used_least_recently_make_room(tmp_path: Path, decodings: list[str]) -> None:
    cache = PairCache(tmp_path / "cache", 2 * SIZE + 10)
    sources = [frame(tmp_path, f"{name}.dng", seed) for seed, name in enumerate("abc")]
    first = cached_frame(cache, sources[0], "counts")
    second = cached_frame(cache, sources[1], "counts")
    used_at(first, 1000)
    used_at(second, 2000)
    pixels_of(first)  # now the second was used least recently
    third = cached_frame(cache, sources[2], "counts")
    assert [data_of(one).exists() for one in (first, second, third)] == [True, False, True]
    assert np.array_equal(pixels_of(second), decoded(sources[1], "counts")[1])
    assert decodings == ["a.dng", "b.dng", "c.dng", "b.dng"]
    held = sum(path.stat().st_size for path in cache.folder.glob("*.frame"))
    assert held <= cache.limit


def test_what_is_known_of_a_removed_frame_stays(tmp_path: Path, decodings: list[str]) -> None:
    cache = PairCache(tmp_path / "cache", SIZE)
    sources = [frame(tmp_path, f"{name}.dng", seed) for seed, name in enumerate("ab")]
    for source in (*sources, *sources):
        cached_frame(cache, source, "counts")
    assert decodings == ["a.dng", "b.dng"]


def test_a_frame_larger_than_the_cache_is_used_from_memory(tmp_path: Path) -> None:
    cached = cached_frame(PairCache(tmp_path / "cache", 100), frame(tmp_path), "counts")
    assert pixels_of(cached).shape == (4, 24, 32)
    assert not data_of(cached).exists()


def test_a_file_that_goes_bad_meanwhile_stops_the_run(tmp_path: Path, cache: PairCache) -> None:
    source = frame(tmp_path)
    cached = cached_frame(cache, source, "counts")
    data_of(cached).unlink()
    frame(tmp_path, seed=5)
    with pytest.raises(StoppedEarly, match=r"a\.dng: has changed"):
        pixels_of(cached)
    source.unlink()
    with pytest.raises(StoppedEarly, match=r"a\.dng: does not exist"):
        pixels_of(cached)


def test_files_that_cannot_be_read_are_told(tmp_path: Path, cache: PairCache) -> None:
    (tmp_path / "bad.dng").write_bytes(b"no picture" * 200)
    for name in ("bad.dng", "none.dng"):
        with pytest.raises(FileProblem):
            cached_frame(cache, tmp_path / name, "counts")
    assert not list(cache.folder.glob("*"))


def test_a_cache_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(StoppedEarly, match=r"pairs\.cache"):
        cached_frame(PairCache(tmp_path / "cache", 10**9), frame(tmp_path), "counts")


def test_another_process_may_remove_what_is_in_use(tmp_path: Path, cache: PairCache) -> None:
    cached = cached_frame(cache, frame(tmp_path), "counts")
    pixels, expected = pixels_of(cached), np.array(pixels_of(cached))
    data_of(cached).unlink()
    assert np.array_equal(pixels, expected)


def test_half_written_files_of_killed_runs_are_swept(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    left = folder / ".x.frame.elsewhere-1-00000000.part"
    left.touch()
    os.utime(left, (1, 1))
    open_cache(folder, gigabytes=1)
    assert not left.exists()


def test_several_may_use_a_cache_that_is_too_small_at_once(tmp_path: Path) -> None:
    cache = PairCache(tmp_path / "cache", 2 * SIZE)
    sources = [frame(tmp_path, f"{name}.dng", seed) for seed, name in enumerate("abc")]
    expected = [decoded(source, "counts")[1] for source in sources]

    def visit(start: int) -> bool:
        frames = [cached_frame(cache, source, "counts") for source in sources]
        turns = [(start + turn) % 3 for turn in range(9)]
        return all(np.array_equal(pixels_of(frames[at]), expected[at]) for at in turns)

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(visit, range(3)))
