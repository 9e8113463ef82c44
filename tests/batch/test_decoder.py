import gc
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.batch import decoder as module
from darkroom.batch.decoder import Decoder
from darkroom.camera.bayer import PHASES, planes_of
from darkroom.camera.limits import Limits
from darkroom.camera.raw import MONO
from darkroom.camera.read import read_raw
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem
from tests.raw_codecs import NOT_BAYER, expected, lossless_jpeg, seeds, tiled_bytes, tiles_of
from tests.raw_files import (
    BYTE,
    LONG,
    MONOCHROME,
    RATIONAL,
    SHORT,
    SRATIONAL,
    dng_bytes,
    dng_entries,
    noisy_mosaic,
)

VIEWS = [("RGGB", 0, 0), ("GRBG", 0, 1), ("GBRG", 1, 0), ("BGGR", 1, 1)]
POISON = Path(__file__).with_name("poison_worker.py")
LINUX = sys.platform == "linux"
linux = pytest.mark.skipif(not LINUX, reason="Linux only")

pytestmark = pytest.mark.skipif(not module.HAS_PROCESSES, reason="no file descriptors to hand over")


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


@pytest.fixture(scope="module")
def poisoned():
    limits = Limits(seconds=3.0, memory=200 << 20)
    with Decoder(limits, (sys.executable, str(POISON))) as shared:
        yield shared


@pytest.fixture
def dng(tmp_path):
    def write(name: str = "frame.dng", *, tail: bytes = b"", **options) -> Path:
        path = tmp_path / name
        path.write_bytes(dng_bytes(options.pop("mosaic", noisy_mosaic()), **options) + tail)
        return path

    return write


@pytest.fixture
def poison(dng):
    return lambda name: dng(f"{name.split()[0]}.dng", tail=b"POISON " + name.encode())


def refusal(decoder, path, **options) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        decoder.read(path, **options)
    return caught.value


def pid_of(decoder) -> int:
    return decoder._process.pid


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def waits(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# What comes out is what this process would read.


@pytest.mark.parametrize("phase", PHASES)
def test_reads_what_this_process_would_read(decoder, dng, phase):
    path = dng(phase=phase, change={315: (2, "Ada Lovelace")})
    found, wanted = decoder.read(path).raw, read_raw(path)
    assert np.array_equal(found.mosaic, wanted.mosaic)
    assert np.array_equal(found.xyz_to_camera, wanted.xyz_to_camera)
    for name in ("phase", "black", "white", "white_balance", "orientation", "exposure", "exif"):
        assert getattr(found, name) == getattr(wanted, name)
    assert (found.camera, found.lens, found.warnings) == (wanted.camera, wanted.lens, ())


def test_the_counts_may_be_changed_and_belong_to_the_caller(decoder, dng):
    path = dng()
    first = decoder.read(path).raw.mosaic
    second = decoder.read(path).raw.mosaic
    first[:] = 0
    assert second.any()
    decoder.read(dng("other.dng", mosaic=noisy_mosaic(seed=1)))
    assert np.array_equal(second, noisy_mosaic())


def test_reports_the_memory_of_the_child_not_of_this_process(decoder, dng):
    ballast = np.ones(40_000_000)  # 320 MB
    with Decoder() as other:
        peak = other.read(dng()).worker_rss
    assert ballast.any()
    assert 20 << 20 < peak < 200 << 20 if LINUX else peak >= 0


def test_one_child_serves_many_files(decoder, dng):
    path = dng()
    decoder.read(path)
    first = pid_of(decoder)
    refusal(decoder, path.parent)
    refusal(decoder, dng("black.dng", mosaic=np.full((64, 64), 7, np.uint16)))
    decoder.read(path)
    assert pid_of(decoder) == first


def test_the_child_is_replaced_after_so_many_files(dng):
    path = dng()
    with Decoder(Limits(files_per_worker=2)) as short_lived:
        seen = []
        for _ in range(4):
            short_lived.read(path)
            seen.append(pid_of(short_lived))
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_starting_early_starts_once_and_closing_twice_is_harmless(dng):
    decoder = Decoder()
    decoder.start()
    first = pid_of(decoder)
    decoder.start()
    assert pid_of(decoder) == first
    decoder.read(dng())
    assert pid_of(decoder) == first
    decoder.close()
    decoder.close()
    assert decoder.read(dng()).retries == 0  # and it can be used again
    decoder.close()


def test_a_child_that_died_between_files_is_replaced_without_a_word(dng):
    with Decoder() as decoder:
        decoder.read(dng())
        os.kill(pid_of(decoder), signal.SIGKILL)
        assert waits(lambda: not decoder._process.is_alive, 2)
        assert decoder.read(dng()).retries == 0


def test_a_program_that_cannot_start_concerns_the_whole_run(dng, tmp_path):
    with Decoder(command=[str(tmp_path / "nothing")]) as decoder, pytest.raises(EnvironmentProblem):
        decoder.read(dng())
    words = "import sys; sys.exit('no such module')"
    with (
        Decoder(command=[sys.executable, "-c", words]) as decoder,
        pytest.raises(EnvironmentProblem, match="no such module"),
    ):
        decoder.read(dng())


def test_a_program_that_says_nothing_is_given_up(dng, monkeypatch):
    monkeypatch.setattr(module, "START_SECONDS", 0.2)
    command = (sys.executable, str(POISON), "--mute")
    with Decoder(command=command) as decoder, pytest.raises(EnvironmentProblem, match="no answer"):
        decoder.read(dng())


def test_without_processes_files_are_read_here(dng, monkeypatch):
    monkeypatch.setattr(module, "HAS_PROCESSES", False)
    with Decoder(command=["nothing"]) as decoder:
        decoder.start()
        decoded = decoder.read(dng())
        mono = decoder.read(dng("mono.dng", change=MONOCHROME), monochrome=True)
        assert refusal(decoder, dng().parent).code == FailureCode.NOT_REGULAR
    assert mono.raw.phase == MONO
    assert np.array_equal(decoded.raw.mosaic, noisy_mosaic())
    assert (decoded.retries, decoded.worker_rss) == (0, 0)


def test_nothing_is_left_open(dng):
    def held() -> int:
        gc.collect()
        return len(os.listdir("/dev/fd"))  # noqa: PTH208

    before = held()
    with Decoder() as decoder:
        for _ in range(3):
            decoder.read(dng())
            refusal(decoder, dng("cut.dng", change={279: (LONG, (10**8,))}))
    assert held() == before


# The input faults I1 to I11.


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E_EMPTY"),
        (b"\x07", "E_TRUNCATED"),
        (b"II*\0\x08\0\0\0", "E_TRUNCATED"),
        (dng_bytes(noisy_mosaic())[:600], "E_TRUNCATED"),
        (np.random.default_rng(1).bytes(5000), "E_NOT_RAW"),
        (b"Dear diary, " * 100, "E_NOT_RAW"),
        (b"\xff\xd8\xff\xe0" + bytes(2000), "E_NOT_RAW"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "E_NOT_RAW"),
        (b"\0\0\0\x20ftypisom" + bytes(2000), "E_NOT_RAW"),
    ],
)
def test_stumps_and_other_types_are_named(decoder, tmp_path, content, code):
    path = tmp_path / "frame.ARW"
    path.write_bytes(content)
    assert refusal(decoder, path).code == code


@pytest.mark.parametrize("name", [name for name in seeds() if name not in NOT_BAYER])
def test_every_codec_is_read_and_no_cut_passes(decoder, tmp_path, name):
    whole = seeds()[name]
    path = tmp_path / name
    path.write_bytes(whole)
    counts = decoder.read(path).raw.mosaic
    if "float" not in name:
        assert np.array_equal(counts, expected(name, noisy_mosaic((128, 192))))
    for kept in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1):
        path.write_bytes(whole[: int(kept * len(whole)) - (kept == 1)])
        assert refusal(decoder, path).code in ("E_TRUNCATED", "E_CORRUPT")


@pytest.mark.parametrize("name", sorted(NOT_BAYER))
def test_frames_without_a_mosaic_are_refused(decoder, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(seeds()[name])
    assert refusal(decoder, path).code == FailureCode.NOT_BAYER


def lossless_mono() -> bytes:
    """Return a monochrome DNG of lossless JPEG tiles."""
    mosaic = noisy_mosaic((128, 192))
    entries = dng_entries(mosaic.shape, "RGGB", (512,), 16383, 16) | MONOCHROME
    entries = {tag: entry for tag, entry in entries.items() if entry}
    tiles = [lossless_jpeg(tile) for tile in tiles_of(mosaic)]
    return tiled_bytes(entries | {259: (SHORT, (7,))}, tiles)


@pytest.mark.parametrize(
    "whole", [dng_bytes(noisy_mosaic((128, 192)), change=MONOCHROME), lossless_mono()]
)
def test_monochrome_frames_are_read_on_request_and_no_cut_passes(decoder, tmp_path, whole):
    path = tmp_path / "mono.dng"
    path.write_bytes(whole)
    raw = decoder.read(path, monochrome=True).raw
    assert raw.phase == MONO
    assert np.array_equal(raw.mosaic, noisy_mosaic((128, 192)))
    problem = refusal(decoder, path)
    assert problem.code == FailureCode.NOT_BAYER
    assert problem.what == "comes from a monochrome sensor; darkroom needs a Bayer sensor"
    for kept in (0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 1):
        path.write_bytes(whole[: int(kept * len(whole)) - (kept == 1)])
        problem = refusal(decoder, path, monochrome=True)
        assert problem.code in ("E_TRUNCATED", "E_CORRUPT")


def test_a_request_for_monochrome_frames_changes_no_other(decoder, dng):
    found, wanted = decoder.read(dng(), monochrome=True).raw, decoder.read(dng()).raw
    assert np.array_equal(found.mosaic, wanted.mosaic)
    assert replace(found, mosaic=None, xyz_to_camera=None) == replace(
        wanted, mosaic=None, xyz_to_camera=None
    )


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_filled_tail_is_refused_or_marked(decoder, dng, fill):
    path = dng(white=65535)
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + fill * (len(whole) - half))
    if fill == b"\xff":  # saturated: a documented miss
        assert decoder.read(path).raw.mosaic[-1, 0] == 65535
        return
    assert refusal(decoder, path).code == FailureCode.CORRUPT
    kept = decoder.read(path, allow_suspect=True).raw
    assert any("repeat" in doubt for doubt in kept.doubts)


@pytest.mark.parametrize("name", ["x.ARW", "x.dNg", "x.JPG", "x", "ünï 'x\n%s.dng", "-x.dng"])
def test_content_decides_not_the_name(decoder, dng, name):
    assert decoder.read(dng(name)).raw.phase == "RGGB"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({256: (LONG, (65_535,)), 257: (LONG, (65_535,))}, "E_TOO_BIG"),
        ({256: (LONG, (2**31 - 1,)), 257: (LONG, (2,))}, "E_TOO_BIG"),
        ({256: (LONG, (0,)), 257: (LONG, (0,))}, "E_METADATA"),
        ({256: (LONG, (1,)), 257: (LONG, (1,))}, "E_METADATA"),
        ({50829: (LONG, (0, 0, 200, 128))}, "E_METADATA"),
        ({50829: (LONG, (50, 50, 20, 20))}, "E_METADATA"),
        ({256: (LONG, (16_000,)), 257: (LONG, (10_800,)), 259: (SHORT, (7,))}, "E_TRUNCATED"),
        ({258: (SHORT, (1,))}, "E_METADATA"),
        ({50714: (SHORT, (20_000,) * 4)}, "E_METADATA"),
        ({50717: (LONG, (0,))}, "E_METADATA"),
        ({33422: (BYTE, bytes((9, 9, 9, 9)))}, "E_NOT_BAYER"),
        ({33421: (SHORT, (6, 6)), 33422: (BYTE, bytes((1, 0, 2, 1, 2, 0) * 6))}, "E_NOT_BAYER"),
    ],
)
def test_impossible_numbers_are_refused_at_once(decoder, dng, change, code):
    path = dng(change=change)
    decoder.start()
    decoder._ready_process()
    begin = time.monotonic()
    assert refusal(decoder, path).code == code
    assert time.monotonic() - begin < 1  # 0.1 s on a machine without other work


@pytest.mark.parametrize(
    "change",
    [
        {50721: None},
        {50728: None},
        {50721: (SRATIONAL, (1, 1) * 9)},
        {50728: (RATIONAL, (0, 1, 1, 1, 1, 1))},
        {50728: (RATIONAL, (1, 0, 1, 1, 1, 1))},
        {50713: None, 50714: None},
        {50719: (LONG, (500, 500)), 50720: (LONG, (5000, 5000))},
    ],
)
def test_missing_numbers_never_make_black_or_nan(decoder, dng, change):
    raw = decoder.read(dng(change=change)).raw
    assert np.isfinite([*raw.white_balance, *raw.xyz_to_camera.ravel(), *raw.black]).all()
    assert np.isfinite(planes_of(raw)).all()
    assert raw.mosaic.any()


def test_black_frames_are_refused_unless_wanted(decoder, dng):
    for mosaic in (np.full((64, 64), 7, np.uint16), noisy_mosaic(low=9, high=500)):
        path = dng(mosaic=mosaic)
        assert refusal(decoder, path).code == FailureCode.BLACK
        assert decoder.read(path, allow_suspect=True).raw.doubts


@pytest.mark.parametrize(("phase", "top", "left"), VIEWS)
def test_phases_of_one_scene_give_one_picture(decoder, dng, phase, top, left):
    scene = noisy_mosaic((97, 129))  # starts on red; a view starts on one pixel of its first cell
    raw = decoder.read(dng(mosaic=scene[top : top + 96, left : left + 128], phase=phase)).raw
    red = planes_of(raw)[0, top:, left:]  # without the border that lets it start on red
    wanted = (scene[2 * top :: 2, 2 * left :: 2] - 512.0) / (16383 - 512)
    assert np.allclose(red[:47, :63], wanted[:47, :63], atol=1e-6)


def test_what_is_no_regular_file_is_refused_without_waiting(decoder, tmp_path):
    os.mkfifo(tmp_path / "pipe.dng")
    (tmp_path / "gone.dng").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.dng").symlink_to(tmp_path / "loop.dng")
    (tmp_path / "zero.dng").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "talk.dng"))
        for name in ("pipe", "gone", "loop", "zero", "talk", "none"):
            problem = refusal(decoder, tmp_path / f"{name}.dng")
            assert problem.code == FailureCode.NOT_REGULAR, name
    assert refusal(decoder, tmp_path).code == FailureCode.NOT_REGULAR


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(decoder, dng):
    path = dng()
    path.chmod(0)
    problem = refusal(decoder, path)
    assert problem.code == FailureCode.CORRUPT
    assert "cannot be read" in problem.what


def test_too_large_files_are_refused_before_they_are_read(dng):
    with Decoder(Limits(max_bytes=10_000)) as decoder:
        assert refusal(decoder, dng()).code == FailureCode.TOO_BIG
        assert decoder._process is None


def test_a_file_that_changes_meanwhile_is_named(dng):
    path = dng()
    with Decoder() as decoder:
        decode = decoder._decode

        def decode_while_somebody_writes(file, **options):
            found = decode(file, **options)
            with path.open("ab") as other:
                other.write(b"more")
            return found

        decoder._decode = decode_while_somebody_writes
        assert refusal(decoder, path).code == FailureCode.CHANGED


def test_a_file_replaced_meanwhile_is_read_as_it_was_opened(poisoned, poison):
    path = poison("nap")
    renamed = path.with_name("new.dng")
    renamed.write_bytes(b"something else")
    timer = threading.Timer(0.3, lambda: renamed.replace(path))
    timer.start()
    raw = poisoned.read(path).raw
    timer.join()
    assert np.array_equal(raw.mosaic, noisy_mosaic())


# The decoder faults D1 to D6.


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("null", "SIGSEGV"),
        ("abort", "SIGABRT"),
        ("kill", "SIGKILL"),
        ("exit", "exit code 7"),
        ("close", "closed its channel"),
        ("last-words", r"exit code 7: last \[31mwords"),
    ],
)
def test_a_crash_fails_one_file_by_name(poisoned, poison, dng, name, how):
    with pytest.raises(FileProblem, match=how) as caught:
        poisoned.read(poison(name))
    assert caught.value.code == FailureCode.DECODE_CRASH
    assert poisoned.read(dng()).retries == 0


def test_a_crash_is_tried_once_more_in_a_fresh_child(poisoned, poison, tmp_path):
    path = poison(f"once {tmp_path / 'flag'}")
    assert poisoned.read(path).retries == 1
    assert poisoned.read(path).retries == 0


@pytest.mark.parametrize("name", ["sleep", "busy", "drip"])
def test_a_hang_is_ended_in_time(poison, dng, name):
    command = (sys.executable, str(POISON))
    with Decoder(Limits(seconds=1.0), command) as decoder:
        decoder._ready_process()
        first, begin = pid_of(decoder), time.monotonic()
        problem = refusal(decoder, poison(name))
        assert problem.code == FailureCode.DECODE_TIMEOUT
        assert 1 <= time.monotonic() - begin < 3
        assert not is_running(first)
        assert decoder.read(dng()).retries == 0


@linux
def test_a_memory_hog_fails_and_this_process_does_not_grow(poisoned, poison, dng):
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    path, before = poison("memory"), resident()
    first = pid_of(poisoned) if poisoned._process else 0
    assert refusal(poisoned, path).code == FailureCode.OOM_HOST
    assert resident() - before < 16 << 20
    assert poisoned.read(dng()).worker_rss < 200 << 20
    assert pid_of(poisoned) != first


@pytest.mark.parametrize(
    "name",
    [
        *("garbage", "no-object", "huge", "bad-kind", "no-size", "negative-size", "vast-size"),
        *("bad-code", "wrong-shape", "float-shape", "early-picture", "raise", "hold"),
        *("nan", "phase", "mono", "black", "matrix", "orientation", "extra", "text"),
    ],
)
def test_nonsense_fails_one_file_and_replaces_the_child(poisoned, poison, dng, name):
    poisoned.read(dng())
    first = pid_of(poisoned)
    assert refusal(poisoned, poison(name)).code == FailureCode.INTERNAL
    assert poisoned.read(dng()).retries == 0
    assert pid_of(poisoned) != first


def test_a_flood_of_print_blocks_nothing(poison):
    command = (sys.executable, str(POISON))
    with Decoder(command=command) as decoder:  # 100 MB
        assert decoder.read(poison("print")).raw.phase == "RGGB"
        assert len(decoder._process._printed) <= 64 << 10


@linux
def test_the_child_can_write_no_file(poisoned, poison):
    problem = refusal(poisoned, poison("write"))
    assert problem.code == FailureCode.INTERNAL
    assert "File too large" in problem.what


@linux
def test_the_child_gives_up_its_rights(decoder, dng):
    decoder.read(dng())
    status = Path(f"/proc/{pid_of(decoder)}/status").read_text()
    bounds = Path(f"/proc/{pid_of(decoder)}/limits").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Max file size             0                    0" in bounds
    assert "Max core file size        0                    0" in bounds
    assert "Max open files            64" in bounds
    assert os.getpgid(pid_of(decoder)) != os.getpgid(0)


@linux
def test_ctrl_c_in_the_middle_ends_the_child(poisoned, poison):
    poisoned._ready_process()
    first = pid_of(poisoned)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        poisoned.read(poison("sleep"))
    timer.join()
    assert not is_running(first)


@linux
def test_another_thread_can_end_a_reading_for_good(poison, dng):
    decoder = Decoder(command=(sys.executable, str(POISON)))
    process, sent, raised = decoder._ready_process(), threading.Event(), []
    send = process.send
    process.send = lambda *message: (send(*message), sent.set())

    def read() -> None:
        with pytest.raises(EnvironmentProblem) as caught:
            decoder.read(poison("sleep"))
        raised.append(caught)

    with decoder:
        thread = threading.Thread(target=read)
        thread.start()
        assert sent.wait(20)
        module.abandon([decoder])
        thread.join(20)
        assert raised
        assert not is_running(process.pid)
        with pytest.raises(EnvironmentProblem):
            decoder.read(dng())
        decoder.abandon()


@linux
def test_a_child_that_starts_while_it_is_abandoned_ends(monkeypatch):
    with Decoder() as decoder:
        started = module.Process

        def start(command):
            decoder.abandon()
            return started(command)

        monkeypatch.setattr(module, "Process", start)
        decoder.start()
        assert waits(lambda: not decoder._process.is_alive, 20)


@linux
@pytest.mark.parametrize("busy", [False, True])
def test_the_child_ends_with_a_killed_parent(poison, dng, busy):
    path = poison("busy") if busy else dng()
    script = (
        "import sys; from pathlib import Path; from darkroom.batch.decoder import Decoder\n"
        f"d = Decoder(command=(sys.executable, {str(POISON)!r})); d._ready_process()\n"
        "print(d._process.pid, flush=True)\n"
        f"d.read(Path({str(path)!r})); print('read', flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with parent:
        child = int(parent.stdout.readline())
        if busy:
            time.sleep(0.3)
        else:
            assert parent.stdout.readline() == "read\n"
        assert is_running(child)
        parent.kill()
        parent.wait()
        assert waits(lambda: not is_running(child), 2)


@pytest.mark.slow
@linux
def test_the_child_does_not_grow(dng):
    path, cut = dng(), dng("cut.dng", mosaic=np.full((64, 64), 7, np.uint16))

    def resident(pid: int) -> int:
        words = Path(f"/proc/{pid}/statm").read_text().split()
        return int(words[1]) * os.sysconf("SC_PAGE_SIZE")

    with Decoder(Limits(files_per_worker=2000)) as decoder:
        sizes = []
        for number in range(500):
            decoder.read(path)
            refusal(decoder, cut)
            if number in (50, 499):
                sizes.append((resident(pid_of(decoder)), resident(os.getpid())))
    (child, parent), (child_end, parent_end) = sizes
    assert child_end - child < 20 << 20
    assert parent_end - parent < 20 << 20


def test_modes_of_the_inputs_are_never_touched(decoder, dng):
    path = dng()
    path.chmod(0o444)
    before = path.stat()
    decoder.read(path)
    after = path.stat()
    assert (after.st_mtime_ns, stat.S_IMODE(after.st_mode)) == (before.st_mtime_ns, 0o444)
