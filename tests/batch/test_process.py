import os
import signal
import socket
import sys
import threading
import time

import pytest

from darkroom.batch.process import TAIL, Ended, OutOfTime, Process
from darkroom.camera.wire import Garbled

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="no files to hand over")

FIRST, SECOND = b'\0\0\0\x07{"a":1}', b'\0\0\0\x07{"b":2}'


@pytest.fixture
def started():
    processes: list[Process] = []

    def start(code: str) -> Process:
        head = "import os, signal, sys, time\n"
        processes.append(Process([sys.executable, "-c", head + code]))
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


def soon(seconds: float = 20.0) -> float:
    return time.monotonic() + seconds


def test_messages_sent_at_once_arrive_one_by_one(started):
    process = started(f"os.write(0, {FIRST + SECOND!r}); time.sleep(60)")
    assert process.receive(soon()) == {"a": 1}
    begin = time.monotonic()
    assert process.receive(soon()) == {"b": 2}
    assert time.monotonic() - begin < 5


def test_a_message_that_came_in_time_counts_after_the_deadline(started):
    process = started(f"os.write(0, {FIRST!r}); time.sleep(60)")
    while not process._selector.select(0.1):
        pass
    assert process.receive(time.monotonic() - 100) == {"a": 1}
    with pytest.raises(OutOfTime):
        process.receive(time.monotonic() - 100)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("os._exit(7)", "exit code 7"),
        ("sys.exit('so long')", "exit code 1: so long"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("print('a\\n\\x1b[2Jlast\\n\\n', flush=True); os.abort()", r"SIGABRT: \[2Jlast"),
        ("os.close(0); time.sleep(60)", "closed its channel"),
    ],
)
def test_the_end_is_told_with_the_last_words(started, code, how):
    with pytest.raises(Ended, match=how):
        started(code).receive(soon())


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="no limit on processor time here")
def test_a_process_stopped_for_its_processor_time_is_out_of_time(started):
    with pytest.raises(OutOfTime):
        started("os.kill(os.getpid(), signal.SIGXCPU)").receive(soon())


def test_a_deadline_holds_against_endless_printing_and_dripping(started):
    loop = "os.write(0, bytes((0, 0, 255, 0)))\nwhile True: print(1, flush=True); os.write(0, b' ')"
    begin = time.monotonic()
    with pytest.raises((OutOfTime, Garbled)):
        started(loop).receive(begin + 0.5)
    assert time.monotonic() - begin < 5


def test_only_the_end_of_what_is_printed_is_kept(started):
    process = started(
        r"print('x' * 9_000_000, flush=True); os.write(0, b'\0\0\0\2{}'); time.sleep(60)"
    )
    assert process.receive(soon()) == {}
    assert 0 < len(process._printed) <= TAIL


def test_a_message_to_a_dead_process_tells_how_it_ended(started):
    process = started("os._exit(3)")
    while process.is_alive:
        time.sleep(0.01)
    with pytest.raises(Ended, match="exit code 3"):
        process.send({"kind": "decode"})


def test_nothing_else_of_this_process_is_handed_on(started):
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    started("time.sleep(60)")
    os.close(writer)
    assert os.read(reader, 1) == b""  # no copy of the writing end is open elsewhere
    os.close(reader)


def test_stopping_leaves_no_process(started):
    process = started("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    process.stop()


def test_a_process_killed_by_another_thread_tells_so_to_who_waits(started):
    process = started(f"os.write(0, {FIRST!r}); time.sleep(60)")
    process.receive(soon())
    killing = threading.Thread(target=process.kill)
    killing.start()
    with pytest.raises(Ended, match="SIGKILL"):
        process.receive(soon())
    killing.join()
    process.kill()


def test_a_program_that_is_missing_cannot_be_started(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Process([str(tmp_path / "nothing")])
