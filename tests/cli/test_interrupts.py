import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from darkroom.cli.interrupts import interruptible


def test_a_signal_interrupts_and_is_remembered() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible() as received:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert received == [signal.SIGTERM]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible() as received:
            signal.raise_signal(signal.SIGHUP)
            assert received == []
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_leave_signals_alone() -> None:
    seen = []

    def enter() -> None:
        with interruptible() as received:
            seen.append(received)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [[]]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_the_process_even_while_it_computes(number: signal.Signals) -> None:
    program = """
        import hashlib
        from darkroom.cli.interrupts import interruptible
        with interruptible():
            try:
                print("ready", flush=True)
                hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)
            except KeyboardInterrupt:  # before the call that keeps the interpreter busy
                hashlib.pbkdf2_hmac("sha256", b"x", b"y", 10**9)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE
    )
    assert process.stdout and process.stdout.readline() == b"ready\n"
    try:
        process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    finally:
        process.kill()
        process.stdout.close()
