"""Ctrl-C and its relatives: the first ends the batch in good order, the second ends it at once."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# SIGHUP comes when the terminal is closed; Windows has none.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
EXIT_BASE = 128  # shells report a signal as 128 and its number


@contextmanager
def interruptible() -> Iterator[list[int]]:
    """Turn the first ending signal into KeyboardInterrupt; yield the list of those received.

    The second ends the process at once, even while it is deep in a computation: a thread hears
    of signals without waiting for the interpreter. Decoder processes die with this one; what it
    was writing is swept by the next run. A signal that is ignored (nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    received: list[int] = []
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    wakeup_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

    def interrupt(number: int, _frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in ENDING}
    heard = [number for number in ENDING if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, interrupt)
    threading.Thread(target=_end_at_second, args=(reader,), daemon=True).start()
    try:
        yield received
    finally:
        for number in heard:
            signal.signal(number, before[number])
        signal.set_wakeup_fd(wakeup_before)
        writer.close()


def _end_at_second(reader: socket.socket) -> None:
    """Count ending signals as they come; end the process at the second."""
    count = 0
    with reader:
        while number := reader.recv(1):
            count += number[0] in ENDING
            if count > 1:
                os._exit(EXIT_BASE + number[0])
