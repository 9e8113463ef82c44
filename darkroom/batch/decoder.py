"""Read RAW files in a process of its own, so that no file can crash, hang or fill darkroom.

    with Decoder() as decoder:
        decoded = decoder.read(path)

Decoders are large C++ programs fed with files of unknown origin. The process that runs one here
gets the open file and shared memory for the counts, nothing else; it is watched, limited, replaced
when it misbehaves, and not believed (`darkroom.camera.wire`).
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from darkroom.batch.process import Ended, OutOfTime, Process
from darkroom.camera import shared_frame, wire
from darkroom.camera.limits import DEFAULT_LIMITS, Limits
from darkroom.camera.raw import RawImage
from darkroom.camera.read import read_raw
from darkroom.camera.source import open_regular, unchanged
from darkroom.camera.worker import order
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem

# -P: no module beside the pictures can take the place of an installed one.
COMMAND = (sys.executable, "-P", "-m", "darkroom.camera.worker")
START_SECONDS = 60.0
MAX_PEAK = 1 << 50
HAS_PROCESSES = hasattr(socket, "send_fds")  # Windows cannot hand over open files

# A process that had to say one of these is not used again.
REPLACED_AFTER = {FailureCode.OOM_HOST, FailureCode.INTERNAL}


@dataclass(frozen=True)
class Decoded:
    """A frame and what it took.

    Attributes:
        raw: the frame.
        retries: how often the decoder crashed on the file before.
        worker_rss: the most bytes the decoder process has held in memory, 0 if unknown.
    """

    raw: RawImage
    retries: int = 0
    worker_rss: int = 0


class Decoder:
    """Reads RAW files in a child process that starts with the first file.

    One thread at a time may use it; `abandon` is for the others. The child ends with the thread
    that started it. Where the system cannot hand over open files, as on Windows, files are read in
    this process instead.

    Args:
        limits: bounds on each file.
        command: program of the child; None for darkroom's own.
    """

    def __init__(
        self, limits: Limits = DEFAULT_LIMITS, command: Sequence[str] | None = None
    ) -> None:
        self.limits = limits
        self._command = tuple(command or COMMAND)
        self._process: Process | None = None
        self._is_ready = False
        self._abandoned = threading.Event()
        self._files = 0

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the child without waiting for it, if none runs.

        Raises:
            EnvironmentProblem: the program cannot be started.
        """
        if self._process is not None or not HAS_PROCESSES:
            return
        if self._abandoned.is_set():
            raise EnvironmentProblem("the decoder process was ended")
        try:
            self._process = Process(self._command)
        except OSError as error:
            raise EnvironmentProblem(f"the decoder process cannot start: {error}") from error
        self._is_ready, self._files = False, 0
        if self._abandoned.is_set():  # while it started
            self._process.kill()

    def abandon(self) -> None:
        """End the child for good, from any thread; the file in work fails, as do all after it."""
        self._abandoned.set()
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the child, if one runs."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def read(self, path: Path, *, allow_suspect: bool = False, monochrome: bool = False) -> Decoded:
        """Read a RAW file with a Bayer sensor; its content decides, not its name.

        Args:
            path: the file.
            allow_suspect: warn of black frames and repeating rows instead of refusing them.
            monochrome: read frames of monochrome sensors, too.

        Raises:
            FileProblem: the file cannot be decoded, or crashed or stopped the decoder.
            EnvironmentProblem: the child does not start.
        """
        if not HAS_PROCESSES:
            raw = read_raw(
                path, allow_suspect=allow_suspect, monochrome=monochrome, limits=self.limits
            )
            return Decoded(raw)
        with open_regular(path, self.limits) as file, unchanged(file):
            try:
                return self._decode(file, allow_suspect=allow_suspect, monochrome=monochrome)
            except FileProblem as problem:
                if problem.code in REPLACED_AFTER:
                    self.close()
                raise
            except BaseException:  # Ctrl-C too: the child is in the middle of a file
                self.close()
                raise

    def _decode(self, file: BinaryIO, *, allow_suspect: bool, monochrome: bool) -> Decoded:
        """Decode an open file; the child that crashes on it gets one successor."""
        asked = order(self.limits, allow_suspect=allow_suspect, monochrome=monochrome)
        try:
            with suppress(Ended):
                return self._attempt(file, asked, retries=0)
            self.close()
            return self._attempt(file, asked, retries=1)
        except Ended as ended:
            self.close()
            raise FileProblem(
                FailureCode.DECODE_CRASH,
                f"the decoder crashed on it twice ({ended})",
                "the file is damaged, or has found a bug in LibRaw",
            ) from ended
        except OutOfTime as late:
            self.close()
            raise FileProblem(
                FailureCode.DECODE_TIMEOUT,
                "the decoder did not finish in time and was stopped",
                "the file is probably damaged",
            ) from late
        except (wire.Garbled, shared_frame.StillWritten) as error:
            raise FileProblem(
                FailureCode.INTERNAL,
                f"the decoder gave an answer that makes no sense ({error})",
                "the file is probably damaged; if other programs open it, please report it",
            ) from error

    def _attempt(self, file: BinaryIO, asked: wire.Message, *, retries: int) -> Decoded:
        """Decode an open file in a child that is ready."""
        process = self._ready_process()
        self._files += 1
        begin = time.monotonic()
        deadline = begin + self.limits.seconds_for(0)
        process.send(asked, [file.fileno()])
        size = expected(process.receive(deadline), "size", "pixels")
        pixels = wire.whole(size, "pixels", range(1, self.limits.max_pixels + 1))
        deadline = begin + self.limits.seconds_for(pixels)
        shape = self._frame_shape(process.receive(deadline), pixels)
        memory = self._memory_for(shape)
        try:
            process.send({"kind": "memory"}, [memory])
            picture = expected(process.receive(deadline), "picture", "raw", "peak")
            peak = wire.whole(picture, "peak", range(MAX_PEAK))
            mosaic = shared_frame.take(memory, shape)
            raw = wire.from_message(picture["raw"], mosaic, monochrome=asked["monochrome"])
        finally:
            os.close(memory)
        return Decoded(raw, retries, peak)

    def _frame_shape(self, message: wire.Message, pixels: int) -> tuple[int, int]:
        """Return the rows and columns that the child wants memory for."""
        fields = expected(message, "memory", "rows", "columns")
        rows = wire.whole(fields, "rows", range(1, pixels + 1))
        return rows, wire.whole(fields, "columns", range(1, pixels // rows + 1))

    def _memory_for(self, shape: tuple[int, int]) -> int:
        """Return the descriptor of memory for (rows, columns) counts."""
        try:
            return shared_frame.create(shape)
        except OSError as error:
            self.close()  # the child waits for an answer
            raise FileProblem(
                FailureCode.OOM_HOST,
                f"there is no memory for the pixels: {error.strerror}",
                "close other programs; where `ulimit -f` limits files, raise it",
            ) from error

    def _ready_process(self) -> Process:
        """Return a child that waits for a file."""
        if self._process is not None and (
            self._files >= self.limits.files_per_worker or not self._process.is_alive
        ):
            self.close()
        self.start()
        assert self._process is not None
        if not self._is_ready:
            try:
                expected(self._process.receive(time.monotonic() + START_SECONDS), "ready")
            except (Ended, OutOfTime, wire.Garbled) as error:
                how = str(error) or f"no answer in {START_SECONDS:.0f} s"
                raise EnvironmentProblem(f"the decoder process does not start: {how}") from error
            self._is_ready = True
        return self._process


def abandon(decoders: Iterable[Decoder]) -> None:
    """End the children of several decoders for good, from any thread."""
    for decoder in decoders:
        decoder.abandon()


def expected(message: wire.Message, kind: str, *names: str) -> wire.Message:
    """Return a message that is of this kind and has these fields.

    Raises:
        FileProblem: it tells a problem instead.
        Garbled: it is another message.
    """
    if message.get("kind") == "problem":
        raise wire.problem_of(message)
    wire.require(message.get("kind") == kind, f"not {kind!r}")
    return wire.exact(message, "kind", *names)
