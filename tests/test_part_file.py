import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.part_file import BLOCK, BUFFER, Published, Segment, part_file, tiling

PIECES = st.lists(st.binary(max_size=40), max_size=12)


def digest(content: bytes) -> Published:
    return Published(len(content), hashlib.sha256(content).hexdigest())


@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, order=st.randoms(use_true_random=False))
def test_pieces_in_any_order_make_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], order: object
) -> None:
    path = tmp_path_factory.mktemp("part") / "a"
    starts = [sum(map(len, pieces[:index])) for index in range(len(pieces))]
    placed = list(zip(starts, pieces, strict=True))
    order.shuffle(placed)  # type: ignore[attr-defined]
    with part_file(path) as file:
        for start, piece in placed:
            assert file.seek(start) == start
            assert file.write(piece) == len(piece)
            assert file.tell() == start + len(piece)
        found = file.settled()
    content = b"".join(pieces)
    assert path.read_bytes() == content
    assert found == digest(content)


@pytest.mark.parametrize("size", [1, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER + 7])
def test_writes_of_any_size_keep_their_order(tmp_path: Path, size: int) -> None:
    first, second = os.urandom(size), os.urandom(5)
    with part_file(tmp_path / "a") as file:
        for piece in (second, first, second):
            file.write(piece)
        found = file.settled()
    assert (tmp_path / "a").read_bytes() == second + first + second
    assert found == digest(second + first + second)


def test_small_writes_reach_the_system_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = os.write, []

    def counted(descriptor: int, content: bytes) -> int:
        calls.append(len(content))
        return plain(descriptor, content)

    monkeypatch.setattr(os, "write", counted)
    with part_file(tmp_path / "a") as file:
        for _ in range(10_000):
            file.write(b"few bytes")
        file.settled()
    assert calls == [90_000]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system takes no such hints")
def test_the_disk_begins_before_the_end_and_forgets_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints: list[tuple[int, int]] = []
    monkeypatch.setattr("darkroom.part_file.AHEAD", 2 * BUFFER)
    monkeypatch.setattr(
        os, "posix_fadvise", lambda _, start, length, hint: hints.append((start, length))
    )
    with part_file(tmp_path / "a") as file:
        for _ in range(5):
            file.write(bytes(BUFFER))
        file.settled()
    assert hints == [(0, 2 * BUFFER), (2 * BUFFER, 2 * BUFFER), (0, 0)]


def test_memory_of_others_is_written_without_a_copy(tmp_path: Path) -> None:
    content = os.urandom(3 * BUFFER)
    with part_file(tmp_path / "a") as file:
        file.write(memoryview(content)[: 2 * BUFFER])
        file.write(memoryview(content)[2 * BUFFER :])
        found = file.settled()
    assert found == digest(content)


def test_an_error_while_reading_back_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, before = os.read, threading.active_count()

    def failing(descriptor: int, size: int) -> bytes:
        if os.lseek(descriptor, 0, os.SEEK_CUR) >= BLOCK:
            raise OSError(errno.EIO, "Input/output error")
        return plain(descriptor, size)

    monkeypatch.setattr(os, "read", failing)
    with pytest.raises(OSError, match="Input/output"), part_file(tmp_path / "a") as file:
        file.write(bytes(3 * BLOCK))
        file.settled()
    assert threading.active_count() == before


def test_a_system_that_takes_few_bytes_at_once_gets_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.write
    monkeypatch.setattr(os, "write", lambda at, content: plain(at, bytes(content[:7])))
    with part_file(tmp_path / "a") as file:
        file.write(bytes(range(256)))
        file.settled()
    assert (tmp_path / "a").read_bytes() == bytes(range(256))


def test_a_system_that_takes_nothing_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda at, content: 0)
    with pytest.raises(OSError, match="no more"), part_file(tmp_path / "a") as file:
        file.write(b"content")
        file.settled()


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    content = os.urandom(64)
    for bit in range(8 * len(content)):
        path = tmp_path / str(bit)
        wrong = bytearray(content)
        wrong[bit // 8] ^= 1 << bit % 8
        with pytest.raises(OSError, match="other bytes"), part_file(path) as file:
            file.seek(20)
            file.write(content[20:])
            file.seek(0)
            file.write(content[:20])
            file._flush()
            path.write_bytes(wrong)
            file.settled()


@pytest.mark.parametrize(("kept", "words"), [(b"conten", "6 bytes only"), (b"content!", "more")])
def test_a_file_of_another_length_is_noticed(tmp_path: Path, kept: bytes, words: str) -> None:
    with pytest.raises(OSError, match=words), part_file(tmp_path / "a") as file:
        file.write(b"content")
        file._flush()
        (tmp_path / "a").write_bytes(kept)
        file.settled()


@pytest.mark.parametrize(
    "segments",
    [
        [Segment(1, 5)],
        [Segment(0, 5), Segment(6, 1)],
        [Segment(0, 5), Segment(4, 2)],
        [Segment(0, 5), Segment(0, 5)],
        [Segment(3, 2), Segment(0, 2)],
    ],
)
def test_gaps_and_overlaps_are_errors_of_the_writer(segments: list[Segment]) -> None:
    with pytest.raises(ValueError, match="twice or never"):
        tiling(segments)


def test_a_writer_that_skips_bytes_is_caught(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="bytes 0 to 8"), part_file(tmp_path / "a") as file:
        file.seek(8)
        file.write(b"strips but no header")
        file.settled()


def test_a_link_with_the_name_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"keep")
    (tmp_path / "a").symlink_to("precious")
    (tmp_path / "b").symlink_to("nowhere")
    for name in ("a", "b", "precious"):
        with pytest.raises(FileExistsError), part_file(tmp_path / name):
            pass
    assert (tmp_path / "precious").read_bytes() == b"keep"
    assert not (tmp_path / "nowhere").exists()


def test_programs_started_meanwhile_do_not_get_the_file(tmp_path: Path) -> None:
    with part_file(tmp_path / "a") as file:
        assert not os.get_inheritable(file._descriptor)
