"""Signals that end a run wait until the step is done, so that its checkpoint is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# SIGHUP comes when the terminal is closed; Windows has none.
ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@contextmanager
def held_back() -> Iterator[list[int]]:
    """Collect ending signals and yield their list; deliver the first one after the block.

    The block looks at the list when it suits and ends early. Signals that are ignored (nohup) stay
    ignored, and other threads than the main one leave signals alone.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    before = {number: signal.getsignal(number) for number in ENDING}
    heard = [number for number in ENDING if before[number] is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, lambda got, _frame: received.append(got))
    try:
        yield received
    finally:
        for number in heard:
            signal.signal(number, before[number])
        if received:
            deliver(received[0])


def deliver(number: int) -> None:
    """Let a signal do now what it would have done when it came."""
    handler = signal.getsignal(number)
    if callable(handler):  # called, not raised: who counts signals has counted this one
        handler(number, None)
    else:
        signal.raise_signal(number)
