"""The memory of a folder of outputs: one JSON line for each file, in `.darkroom/` inside it.

Every process appends to a file of its own, so that machines which share a disk need no locks;
readers take all of them together. A line is written in one piece; what a crash left torn, and
lines that are not ours, are passed over.
"""

import errno
import json
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from darkroom.batch.records import VERSION, Record, record_line
from darkroom.errors import FailureCode, FileProblem
from darkroom.part_names import this_host
from darkroom.regular_file import open_regular

FOLDER = ".darkroom"
PATTERN = "manifest-*.jsonl"
LONGEST_LINE = 1 << 20  # bytes
DENIED = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
    | {errno.ELOOP, errno.ENOENT}
)
SYNC_LINES, SYNC_SECONDS = 32, 2.0


def manifest_name() -> str:
    """Return the name of this process's manifest."""
    return f"manifest-{this_host()}-{os.getpid()}.jsonl"


def read_records(root: Path) -> Iterator[Record]:
    """Yield the records of every manifest of an output folder, unreadable ones left out.

    Manifests of strangers are left out too: in a folder for all, anyone could leave one.
    """
    try:
        paths = sorted((root / FOLDER).glob(PATTERN))
        friends = {root.stat().st_uid, 0}
    except OSError:
        return
    for path in paths:
        yield from read_manifest(path, friends)


def read_manifest(path: Path, friends: Collection[int] = ()) -> Iterator[Record]:
    """Yield the records of one manifest; torn lines, garbage and other versions are left out.

    Args:
        path: the manifest.
        friends: users besides this one whose manifests are believed; () believes all.
    """
    try:
        with open_regular(path, follow=False) as lines:
            owner = os.fstat(lines.fileno()).st_uid
            if friends and owner not in {*friends, own_user()}:
                return
            while line := lines.readline(LONGEST_LINE):
                record = _parsed(line)
                if record is not None:
                    yield record
    except OSError:
        return


def own_user() -> int:
    """Return the number of the user, 0 where users have none."""
    return os.getuid() if hasattr(os, "getuid") else 0


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("v") == VERSION else None


class Manifest:
    """This process's manifest in one folder of outputs; its file is made with the first line.

    `has_begun` says whether there is a line in it.

    Args:
        root: the folder of outputs.
        header: the line that comes first.
    """

    def __init__(self, root: Path, header: Record) -> None:
        self.path = root / FOLDER / manifest_name()
        self._header = header
        self._descriptor = -1
        self.has_begun = False
        self._torn = False
        self._unsynced, self._synced_at = 0, time.monotonic()

    def append(self, record: Record) -> None:
        """Write one line in one piece.

        Raises:
            FileProblem: WRITE_SPACE or WRITE_DENIED, as the disk has it.
        """
        try:
            if self._descriptor < 0:
                self._open()
            if not self.has_begun:
                self._write(record_line(self._header))
                self.has_begun = True
            self._write(record_line(record))
            self._unsynced += 1
            late = time.monotonic() - self._synced_at > SYNC_SECONDS
            if self._unsynced >= SYNC_LINES or late:
                self.sync()
        except OSError as error:
            raise _problem(error, self.path) from error

    def sync(self) -> None:
        """Bring all lines to the disk."""
        if self._descriptor >= 0 and self._unsynced:
            os.fsync(self._descriptor)
        self._unsynced, self._synced_at = 0, time.monotonic()

    def close(self) -> None:
        """Bring all lines to the disk and let the file go; another line opens it again.

        Raises:
            FileProblem: the disk did not take the last lines.
        """
        if self._descriptor < 0:
            return
        descriptor = self._descriptor
        try:
            self.sync()
        except OSError as error:
            raise _problem(error, self.path) from error
        finally:
            self._descriptor = -1
            os.close(descriptor)

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        self._descriptor = os.open(self.path, flags, 0o666)
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        if end:  # a dead process had our number: its last line may be torn
            os.lseek(self._descriptor, end - 1, os.SEEK_SET)
            self._torn = os.read(self._descriptor, 1) != b"\n"

    def _write(self, line: str) -> None:
        content = (b"\n" if self._torn else b"") + line.encode()
        self._torn = True
        written = os.write(self._descriptor, content)
        if written < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = False


def _problem(error: OSError, path: Path) -> FileProblem:
    denied = error.errno in DENIED
    code = FailureCode.WRITE_DENIED if denied else FailureCode.WRITE_SPACE
    return FileProblem(
        code,
        f"the record of finished files {path} cannot be written: {error.strerror or error}",
        "choose another folder with -o" if denied else "free space on the disk",
    )
