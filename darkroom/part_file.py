"""A file in the making: written through a descriptor, then read back from the disk and compared.

A disk that is full, failing or lying may take bytes and give others back. So the checksum of
everything written is noted on the way out and compared with what the disk returns.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from errno import EIO
from pathlib import Path
from typing import Protocol

try:
    from isal.isal_zlib import crc32  # ten times as fast
except ImportError:  # there is no package for this processor
    from zlib import crc32

BUFFER = 1 << 20  # bytes; smaller writes are gathered
AHEAD = 8 << 20  # bytes after which the disk is asked to begin
BLOCK = 1 << 20  # bytes read back at once: small enough for the processor's cache

# What only some systems have is 0 elsewhere.
ANYWHERE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
CREATE = os.O_CREAT | os.O_EXCL | os.O_RDWR | ANYWHERE


class BinaryFile(Protocol):
    """What a writer needs of the file it fills."""

    def write(self, content: bytes | memoryview, /) -> int:
        """Write all of `content` at the current place and return its length."""

    def seek(self, offset: int, /) -> int:
        """Go to a place, in bytes from the start, and return it."""

    def tell(self) -> int:
        """Return the current place, in bytes from the start."""


@dataclass(frozen=True, slots=True)
class Published:
    """The bytes of a complete file.

    Attributes:
        size: how many they are.
        sha256: their digest, as hexadecimal digits.
    """

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes that were written one after the other.

    Attributes:
        start: offset of the first in the file.
        length: how many they are.
        crc: their CRC-32.
    """

    start: int
    length: int = 0
    crc: int = 0

    @property
    def end(self) -> int:
        """Offset behind the last byte."""
        return self.start + self.length

    def grown(self, content: bytes | memoryview) -> "Segment":
        """Return the segment with `content` behind it."""
        return replace(self, length=self.length + len(content), crc=crc32(content, self.crc))


class PartFile:
    """A `BinaryFile` on a descriptor that belongs to someone else.

    Args:
        descriptor: of an empty file, open for reading and writing.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._segments = [Segment(0)]
        self._waiting = bytearray()
        self._begun = 0  # where the bytes start that the disk was not yet asked to take

    def write(self, content: bytes | memoryview, /) -> int:
        """Write all of `content` at the current place and return its length.

        Raises:
            OSError: the disk does not take it.
        """
        self._segments[-1] = self._segments[-1].grown(content)
        if len(self._waiting) + len(content) < BUFFER:
            self._waiting += content
        else:
            self._flush()
            write_all(self._descriptor, content)
            self._begin()
        return len(content)

    def seek(self, offset: int, /) -> int:
        """Go to a place, in bytes from the start, and return it."""
        self._flush()
        self._segments.append(Segment(offset))
        return os.lseek(self._descriptor, offset, os.SEEK_SET)

    def tell(self) -> int:
        """Return the current place, in bytes from the start."""
        return self._segments[-1].end

    def settled(self) -> Published:
        """Bring all bytes to the disk, read them back, and say what they are.

        Raises:
            OSError: the disk fails, or gives back other bytes than were written.
            ValueError: parts of the file were never written, or twice.
        """
        self._flush()
        os.fsync(self._descriptor)
        segments = tiling(self._segments)
        _drop_from_memory(self._descriptor, 0, 0)
        return read_back(self._descriptor, segments)

    def _flush(self) -> None:
        write_all(self._descriptor, self._waiting)
        self._waiting.clear()

    def _begin(self) -> None:
        """Let the disk begin while more is being made: little is left to wait for at the end."""
        end = self.tell()
        if end - self._begun >= AHEAD:
            _drop_from_memory(self._descriptor, self._begun, end - self._begun)
            self._begun = end


@contextmanager
def part_file(path: Path) -> Iterator[PartFile]:
    """Create a file, yield it for writing and close it; links are not followed.

    Raises:
        OSError: it exists, or cannot be created or closed.
    """
    descriptor = os.open(path, CREATE, 0o666)  # the user's umask takes its part
    try:
        yield PartFile(descriptor)
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise
    os.close(descriptor)  # its errors count: network disks may report failed writes only now


def write_all(descriptor: int, content: bytes | bytearray | memoryview) -> None:
    """Write bytes to the end, however few the system takes at once.

    Raises:
        OSError: it takes no more.
    """
    with memoryview(content) as rest:
        done = 0
        while done < len(rest):
            count = os.write(descriptor, rest[done:])
            if count == 0:
                raise OSError(EIO, "the disk takes no more bytes")
            done += count


def tiling(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments in the order of the file, without empty ones.

    Raises:
        ValueError: they leave a gap or overlap.
    """
    tiles = sorted((tile for tile in segments if tile.length), key=lambda tile: tile.start)
    end = 0
    for tile in tiles:
        if tile.start != end:
            raise ValueError(f"bytes {end} to {tile.start} were written twice or never")
        end = tile.end
    return tiles


def read_back(descriptor: int, segments: Sequence[Segment]) -> Published:
    """Read a whole file and compare it with what was written.

    Args:
        descriptor: of the file.
        segments: what was written, in the order of the file.

    Raises:
        OSError: it cannot be read, or holds other bytes.
    """
    sha = hashlib.sha256()
    os.lseek(descriptor, 0, os.SEEK_SET)
    with ThreadPoolExecutor(1) as beside:  # one block is hashed while the next is read
        hashed = beside.submit(sha.update, b"")
        for segment in segments:
            found = Segment(segment.start)
            while found.length < segment.length:
                block = os.read(descriptor, min(BLOCK, segment.length - found.length))
                if not block:
                    raise OSError(EIO, f"the disk kept {found.end} bytes only")
                hashed.result()
                hashed = beside.submit(sha.update, block)
                found = found.grown(block)
            if found.crc != segment.crc:
                raise OSError(EIO, "the disk gives back other bytes than were written")
        hashed.result()
    if os.read(descriptor, 1):
        raise OSError(EIO, "the disk gives back more bytes than were written")
    return Published(segments[-1].end if segments else 0, sha.hexdigest())


def _drop_from_memory(descriptor: int, start: int, length: int) -> None:
    """Ask the system to write a part of a file, and to forget its copy of what is written.

    So reading it asks the disk. A length of 0 means to the end.
    """
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):  # a hint that some file systems do not know
            os.posix_fadvise(descriptor, start, length, os.POSIX_FADV_DONTNEED)
