"""The whole program in processes of its own, and what terminals and job systems do to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import small_weights
from tests.raw_files import noisy_mosaic, write_dng

pytestmark = pytest.mark.slow

FILES = 40


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """A folder of small dark frames beside a small model."""
    small_weights(tmp_path)
    (tmp_path / "card").mkdir()
    first = write_dng(tmp_path / "card" / "0.dng", noisy_mosaic((64, 96)))
    for n in range(1, FILES):
        shutil.copy(first, tmp_path / "card" / f"{n}.dng")
    return tmp_path


def command(*options: str) -> list[str]:
    line = "enhance card -o out --ratio 20 --model small-fast-unet.safetensors --json"
    return [sys.executable, "-m", "darkroom", *line.split(), *options]


def finished(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*options), cwd=folder, capture_output=True, text=True, timeout=180, check=False
    )


def children(process: int) -> list[int]:
    """Return the processes that name this one as their parent."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == process and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_batch_in_good_order_and_a_rerun_completes_it(
    card: Path, number: signal.Signals, code: int
) -> None:
    running = subprocess.Popen(
        command(), cwd=card, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout
    first = running.stdout.readline()
    workers = children(running.pid)
    assert workers
    running.send_signal(number)
    rest, said = running.communicate(timeout=60)
    records = [json.loads(line) for line in (first + rest).splitlines()]
    statuses = [record["status"] for record in records]
    assert running.returncode == code
    assert set(statuses) == {"ok", "cancelled"}
    assert len(statuses) == FILES
    assert "cancelled" in said
    assert "Traceback" not in said
    assert not list((card / "out").glob(".*.part"))
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    done = {path.name for path in (card / "out").glob("*.tif")}
    assert len(done) == statuses.count("ok")
    again = finished(card)
    statuses = [json.loads(line)["status"] for line in again.stdout.splitlines()]
    assert again.returncode == 0
    assert statuses.count("skipped") == len(done)
    assert statuses.count("ok") == FILES - len(done)


def test_a_reader_that_goes_away_ends_the_batch_with_code_5(card: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        command(), cwd=card, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False
    )
    os.close(writer)
    assert ended.returncode == 5
    assert b"Traceback" not in ended.stderr


def test_processes_of_a_cluster_do_what_this_one_does(card: Path) -> None:
    (card / "card" / "bad.dng").write_bytes(b"no picture" * 1000)
    alone = finished(card)
    (card / "out").rename(card / "alone")
    spread = finished(card, "--scheduler", "local:2")
    assert alone.returncode == spread.returncode == 1
    told = [
        {record["in"]: (record["status"], record["code"]) for record in map(json.loads, lines)}
        for lines in (alone.stdout.splitlines(), spread.stdout.splitlines())
    ]
    assert told[0] == told[1]
    for path in (card / "alone").glob("*.tif"):
        assert (card / "out" / path.name).read_bytes() == path.read_bytes()
    again = finished(card, "--scheduler", "local:2")
    assert f"{FILES} done before" in again.stderr
