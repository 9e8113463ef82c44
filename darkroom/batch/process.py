"""One decoder process: start it, talk to it before a deadline, say how it ended."""

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

from darkroom.camera.exif import clean_text
from darkroom.camera.wire import CHUNK, Message, send, take

TAIL = 1 << 16  # bytes kept of what a process prints
LINE = 200  # characters shown of its last line
SEND_SECONDS = 5.0
END_SECONDS = 1.0

# Threads reserve memory that the limit on it would count although nobody uses it; decoding needs no
# linear algebra, and few threads. Large pages make up for the time that shared memory costs.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": str(min(8, os.cpu_count() or 1)),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


class Ended(Exception):
    """The process is gone, or talks no more; the text says how."""


class OutOfTime(Exception):
    """The process did not answer before the deadline."""


class Process:
    """A child process with a socket as its standard input.

    Args:
        command: program and arguments.

    Raises:
        OSError: the program cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            try:
                self._child = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    bufsize=0,
                    env={**ENVIRONMENT, **os.environ},
                    process_group=0,  # Ctrl-C is for the parent, which decides what it ends
                )
            except OSError:
                self._channel.close()
                raise
        self._channel.settimeout(SEND_SECONDS)
        self._arrived, self._printed = bytearray(), bytearray()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._channel, selectors.EVENT_READ, self._read_channel)
        assert self._child.stdout is not None
        self._output = self._child.stdout.fileno()
        os.set_blocking(self._output, False)
        self._selector.register(self._output, selectors.EVENT_READ, self._read_output)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.poll() is None

    def send(self, message: Message, files: Sequence[int] = ()) -> None:
        """Send a message with open files; raises Ended if nobody takes it."""
        self._printed.clear()
        try:
            send(self._channel, message, files)
        except OSError as error:
            raise self._ended() from error

    def receive(self, deadline: float) -> Message:
        """Wait for a message and keep what the process prints meanwhile.

        Args:
            deadline: when to give up, on the clock of `time.monotonic`.

        Raises:
            Ended: the process is gone.
            OutOfTime: the deadline has passed.
            Garbled: what came is no message.
        """
        is_late = False
        while (message := take(self._arrived)) is None:
            if is_late:
                raise OutOfTime
            left = deadline - time.monotonic()
            is_late = left <= 0  # what has come by now still counts
            for key, _ in self._selector.select(max(0.0, left)):
                key.data()
        return message

    def kill(self) -> None:
        """Kill the process, from any thread; whoever waits for its message hears that it ended."""
        self._child.kill()

    def stop(self) -> None:
        """Kill the process, wait for its end, and close what connects to it."""
        self._child.kill()
        # One that is stuck in the kernel, on a dead network drive for example, ends when it can.
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_SECONDS)
        self._selector.close()
        self._channel.close()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def _read_channel(self) -> None:
        try:
            data = self._channel.recv(CHUNK)
        except OSError as error:
            raise self._ended() from error
        if not data:
            raise self._ended()
        self._arrived += data

    def _read_output(self) -> None:
        data = os.read(self._output, TAIL)
        if not data:
            self._selector.unregister(self._output)
        self._printed += data
        del self._printed[:-TAIL]

    def _ended(self) -> Exception:
        """Return what to raise for a process that talks no more."""
        try:
            status = self._child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return Ended("it closed its channel")
        if status == -getattr(signal, "SIGXCPU", 0):
            return OutOfTime()
        line = self._last_line()
        return Ended(ending(status) + (f": {line}" if line else ""))

    def _last_line(self) -> str:
        """Return the end of what the process printed, harmless to show."""
        if self._output in self._selector.get_map():
            # All of it may have been read, while a child of the child still holds the pipe.
            with suppress(BlockingIOError):
                self._read_output()
        lines = self._printed.strip().splitlines()
        return clean_text(bytes(lines[-1]))[:LINE] if lines else ""


def ending(status: int) -> str:
    """Return how a process ended, from its exit status.

    >>> ending(-11), ending(7)
    ('SIGSEGV', 'exit code 7')
    """
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
