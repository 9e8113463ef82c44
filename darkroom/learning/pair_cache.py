"""Frames of real pairs, decoded once and kept as files that are mapped into memory, not read.

A frame is two files, named by a digest of the RAW file's path, size and time: `.frame` holds the
pixels behind a header of 64 bytes, `.json` what is known about them. Both appear complete or not
at all, so several processes may share a cache. The frames used least recently make room for new
ones; what is known of them stays.
"""

import hashlib
import math
import os
import struct
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from darkroom.camera.decoder_version import libraw_version
from darkroom.camera.source import unopened
from darkroom.errors import FileProblem, StoppedEarly
from darkroom.learning.pair_frames import Counts, FrameFacts, Kind, decoded
from darkroom.publish import publish, sweep

VERSION = 2  # of everything in a cache, measured noise included; older frames are made again
MAGIC = b"DARKPAIR"
HEADER = struct.Struct("<8s5I")  # magic, version, shape, CRC-32 of the pixels
START = 64  # byte where the pixels begin


class Index(BaseModel):
    """The JSON file beside a frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    facts: FrameFacts
    checksum: int  # CRC-32 of the facts


@dataclass(frozen=True)
class PairCache:
    """A folder of frames and the bytes that they may take."""

    folder: Path
    limit: int


@dataclass(frozen=True)
class CachedFrame:
    """A frame that could be read, whether its pixels are in the cache at the moment or not."""

    cache: PairCache
    source: Path
    kind: Kind
    key: str
    facts: FrameFacts

    @property
    def bytes(self) -> int:
        """The size of its file."""
        return START + 2 * math.prod(self.facts.shape)


def open_cache(folder: Path, *, gigabytes: float) -> PairCache:
    """Return the cache in a folder, and clear away what a killed run left half written."""
    sweep(folder)
    return PairCache(folder, int(gigabytes * 1e9))


def cached_frame(cache: PairCache, source: Path, kind: Kind) -> CachedFrame:
    """Return a frame, decoding it unless the cache knows it.

    Args:
        cache: where it is kept.
        source: the RAW file.
        kind: "counts" for a frame to enhance, "truth" for full colours to learn.

    Raises:
        FileProblem: the file cannot be read.
        StoppedEarly: the cache cannot be written.
    """
    key = key_of(source, kind)
    facts = known_facts(cache, key)
    if facts is None:
        facts, pixels = decoded(source, kind)
        keep(cache, key, facts, pixels)
    return CachedFrame(cache, source, kind, key, facts)


def key_of(source: Path, kind: Kind) -> str:
    """Return the name of a frame, another one once the file has changed.

    Raises:
        FileProblem: there is no such file.
    """
    try:
        status = source.stat()
    except OSError as error:
        raise unopened(source, error) from error
    file = (str(source.resolve()), status.st_size, status.st_mtime_ns)
    return hashlib.sha256(repr((VERSION, libraw_version(), kind, file)).encode()).hexdigest()[:32]


def pixels_of(frame: CachedFrame) -> Counts:
    """Return the pixels of a frame: mapped, or decoded again if they were removed or damaged.

    Raises:
        StoppedEarly: the RAW file can no longer be read, or the cache cannot be written.
    """
    mapped = mapped_pixels(data_file(frame.cache, frame.key), frame.facts)
    if mapped is not None:
        return mapped
    try:
        facts, pixels = decoded(frame.source, frame.kind)
    except FileProblem as problem:
        raise StoppedEarly(f"{frame.source}: {problem.what}; it was fine before") from problem
    if facts != frame.facts:
        with suppress(OSError):  # what is known is no longer true
            index_file(frame.cache, frame.key).unlink()
        raise StoppedEarly(f"{frame.source}: has changed since it was first read; start again")
    keep(frame.cache, frame.key, facts, pixels)
    return pixels


def data_file(cache: PairCache, key: str) -> Path:
    """Return the file with the pixels."""
    return cache.folder / f"{key}.frame"


def index_file(cache: PairCache, key: str) -> Path:
    """Return the file with the facts."""
    return cache.folder / f"{key}.json"


def header_of(facts: FrameFacts) -> bytes:
    """Return the only header that fits the facts; its last four bytes check the others."""
    fields = HEADER.pack(MAGIC, VERSION, *facts.shape, facts.checksum)
    return (fields + struct.pack("<I", zlib.crc32(fields))).ljust(START, b"\0")


def known_facts(cache: PairCache, key: str) -> FrameFacts | None:
    """Return what the index says, None if it is missing or damaged."""
    try:
        index = Index.model_validate_json(index_file(cache, key).read_bytes())
    except (OSError, ValidationError):
        return None
    return index.facts if index.checksum == checksum_of(index.facts) else None


def checksum_of(facts: FrameFacts) -> int:
    """Return the CRC-32 of facts."""
    return zlib.crc32(facts.model_dump_json().encode())


def mapped_pixels(path: Path, facts: FrameFacts) -> Counts | None:
    """Map a file into memory, None if it is missing or not the one that the facts describe.

    The header and the size are checked at each use; the pixels were when they were written.
    """
    try:
        with path.open("rb") as file:
            size = START + 2 * math.prod(facts.shape)
            if file.read(START) != header_of(facts) or os.fstat(file.fileno()).st_size != size:
                return None
            pixels: Counts = np.memmap(file, "<u2", "r", START, facts.shape)
    except OSError:
        return None
    with suppress(OSError):  # a cache may be read-only
        os.utime(path)  # used just now
    return pixels


def keep(cache: PairCache, key: str, facts: FrameFacts, pixels: Counts) -> None:
    """Put a frame into the cache; of one larger than the whole cache, the facts alone.

    Raises:
        StoppedEarly: the disk is full or the folder cannot be written.
    """
    index = Index(facts=facts, checksum=checksum_of(facts)).model_dump_json(indent=1)
    header, body = header_of(facts), np.ascontiguousarray(pixels, "<u2")
    try:
        if START + body.nbytes <= cache.limit:
            make_room(cache, START + body.nbytes)
            publish(
                data_file(cache, key),
                lambda file: (file.write(header), file.write(body.tobytes())),
                overwrite=True,
            )
        publish(index_file(cache, key), lambda file: file.write(index.encode()), overwrite=True)
    except FileProblem as problem:
        raise StoppedEarly(
            f"the cache of the pairs failed: {problem.what}; set pairs.cache to another folder"
            " or lower pairs.cache_gb"
        ) from problem


def make_room(cache: PairCache, needed: int) -> None:
    """Remove the frames used least recently until `needed` more bytes fit."""
    found = []
    for path in cache.folder.glob("*.frame"):
        with suppress(OSError):  # another process removed it
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, path))
    held = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if held + needed <= cache.limit:
            return
        with suppress(OSError):
            path.unlink()
        held -= size
