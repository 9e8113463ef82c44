"""Short forms of the fault benchmark, and proof that what it looks for would be found."""

import io
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rawpy

from benchmarks.fault_parts import (
    batches,
    command_line,
    damage,
    disk,
    isolation,
    kills,
    memory,
    poison,
    reading,
    writers,
)
from darkroom.batch.decoder import Decoder
from darkroom.camera.bayer import PHASES
from tests.conftest import small_weights
from tests.raw_codecs import NOT_BAYER, WRITERS, expected, lossless_jpeg, seeds
from tests.raw_files import noisy_mosaic

BAYER = sorted(WRITERS.keys() - NOT_BAYER)
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    return small_weights(tmp_path / "model")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as started:
        yield started


# The corpus.


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", BAYER)
def test_libraw_reads_every_codec_as_it_was_written(name: str, phase: str) -> None:
    mosaic = noisy_mosaic((98, 160), seed=1)
    with rawpy.imread(io.BytesIO(WRITERS[name](mosaic, phase))) as raw:
        assert np.array_equal(raw.raw_image_visible, expected(name, mosaic))


@pytest.mark.parametrize("name", sorted(NOT_BAYER))
def test_libraw_reads_the_codecs_that_are_no_bayer_mosaic(name: str) -> None:
    with rawpy.imread(io.BytesIO(WRITERS[name](noisy_mosaic(), "RGGB"))) as raw:
        assert raw.raw_image_visible.shape[:2] == (96, 128)


def test_lossless_jpeg_codes_every_size_of_difference() -> None:
    steps = np.array([0, 0] + [2**power for power in range(16) for _ in (0, 1)] + [0, 0])
    mosaic = np.tile(np.array(steps, np.uint16), (64, 2))[:, :64]
    mosaic[1::2] = 65535 - mosaic[1::2]
    with rawpy.imread(io.BytesIO(WRITERS["lossless-jpeg.dng"](mosaic, "RGGB"))) as raw:
        assert np.array_equal(raw.raw_image_visible, mosaic)


def test_lossless_jpeg_keeps_marker_bytes_out_of_its_data() -> None:
    coded = lossless_jpeg(noisy_mosaic((64, 64), high=16000))
    data = coded[coded.index(b"\xff\xda") + 10 : -2]
    assert data.count(b"\xff") == data.count(b"\xff\0") > 0


def test_every_mutant_is_always_the_same_and_hardly_ever_whole() -> None:
    whole = seeds((64, 64))
    first = [damage.mutant(whole, number) for number in range(60)]
    assert first == [damage.mutant(whole, number) for number in range(60)]
    assert sum(content in whole.values() for _, content in first) < 6
    assert len(dict(first)) == 60


def test_damage_keeps_the_length_but_for_cuts() -> None:
    whole = seeds((64, 64))["uncompressed16.dng"] * 3
    same_size = [*damage.zeroed_tails(whole), *damage.replaced_blocks(whole)]
    assert {len(content) for _, content in same_size} == {len(whole)}
    assert all(whole.startswith(cut) and cut != whole for _, cut in damage.truncations(whole))


# What the benchmark looks for would be found.


def test_repeating_rows_are_seen() -> None:
    mosaic = noisy_mosaic()
    assert reading.longest_repeat(mosaic) == 0
    mosaic[40:60] = mosaic[39]
    assert reading.longest_repeat(mosaic) == 20
    mosaic[70:96] = 0
    assert reading.longest_repeat(mosaic) == 26


def test_a_damaged_file_that_passes_as_good_is_a_miss() -> None:
    good = reading.Verdict("ok", 0.0, (), noisy_mosaic())
    zeroed = noisy_mosaic()
    zeroed[-20:] = 0
    assert reading.fate_of(reading.Verdict("ok", 0.0, (), zeroed), good) == "missed"
    assert reading.fate_of(reading.Verdict("ok", 0.0, ("rows",), zeroed), good) == "warned of"
    assert reading.fate_of(reading.Verdict("E_CORRUPT", 0.0), good) == "refused"
    assert reading.fate_of(good, good) == "unharmed"


class Careless:
    """A decoder that takes everything for good, as if it had never looked."""

    def read(self, path: Path) -> object:
        raise RuntimeError("an error of the program itself")


def test_a_decoder_that_lets_errors_out_breaks_promises(folder: Path) -> None:
    careless: Decoder = Careless()  # type: ignore[assignment]
    assert len(reading.check_mutants(careless, folder, 5).broken) == 5
    assert reading.check_truncations(careless, folder).broken
    assert reading.check_good_files(careless, folder, []).broken


def ended(*records: dict[str, str], code: int = 1) -> command_line.Ended:
    return command_line.Ended(code, [{**record} for record in records], 0, "", 1.0)


def test_a_missing_record_a_part_and_a_torn_picture_are_seen(folder: Path) -> None:
    inputs, out = command_line.draw_frames(folder / "in", 2), folder / "out"
    out.mkdir()
    (out / "0000.dng.tif").write_bytes(b"II*\0 and no more")
    (out / ".0001.dng.tif.host-1-ab.part").touch()
    wrong = command_line.disagreements(inputs, out, ended({"in": "0000.dng", "status": "ok"}))
    assert len(wrong) == 3
    assert any("0 records" in text for text in wrong)
    assert any("not a whole picture" in text for text in wrong)
    assert any("left behind" in text for text in wrong)


def test_a_rerun_that_does_too_much_or_too_little_is_seen() -> None:
    skipped, done = {"in": "a", "status": "skipped"}, {"in": "b", "status": "ok"}
    wanted = {"a.tif", "b.tif"}
    assert kills.wrong_partition(ended(skipped, done), {"a.tif"}, wanted) == []
    assert kills.wrong_partition(ended(skipped, done), set(), wanted)
    assert kills.wrong_partition(ended(skipped), {"a.tif"}, wanted)
    assert kills.wrong_partition(ended(skipped, done, done), {"a.tif"}, wanted)


@linux
def test_a_process_that_lives_on_is_found_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "GONE_WITHIN", 0.1)
    mark = command_line.new_mark()
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    silent = subprocess.DEVNULL
    process = command_line.start(sleeper, mark=mark, stdout=silent, stderr=silent)
    deadline = time.monotonic() + 5
    while not command_line.processes_of(mark) and time.monotonic() < deadline:
        time.sleep(0.01)  # until the new program has replaced the copy of this one
    assert command_line.orphans(mark) == [process.pid]
    assert process.wait() < 0
    assert command_line.orphans(mark) == []


# The short forms.


def test_no_damage_passes_as_a_good_file(decoder: Decoder, folder: Path) -> None:
    assert reading.check_truncations(decoder, folder).broken == []
    assert reading.check_overwritten(decoder, folder, most=9).broken == []


def test_good_files_are_read(decoder: Decoder, folder: Path) -> None:
    assert reading.check_good_files(decoder, folder, []).broken == []


def test_mutants_neither_crash_nor_hang(decoder: Decoder, folder: Path) -> None:
    assert reading.check_mutants(decoder, folder, 100).broken == []


@pytest.mark.slow
def test_a_batch_of_mutants_is_told_file_by_file(folder: Path, model: Path) -> None:
    assert batches.check_batches(folder, model, count=60).broken == []


@linux
@pytest.mark.slow
def test_a_killed_run_leaves_whole_files_and_is_finished_by_the_next(
    folder: Path, model: Path
) -> None:
    assert kills.check_kills(folder, model, count=2, files=6).broken == []


def test_writers_leave_whole_files_whatever_fails(folder: Path) -> None:
    found = writers.check_writers(folder, calls=("write", "fsync", "link", "replace"))
    assert found.broken == []
    assert all(int(str(hits)) > 0 for hits in found.numbers.values())


@linux
@pytest.mark.slow
def test_a_failing_link_harms_nothing(folder: Path, model: Path) -> None:
    found = disk.check_calls(folder, model, most=1, calls=("link",))
    if "runs with a failing call" in found.numbers:
        pytest.skip(str(found.numbers["runs with a failing call"]))
    assert found.numbers["failed calls of link"] == 1
    assert found.broken == []


@linux
@pytest.mark.slow
def test_a_full_disk_stops_the_run_and_room_lets_it_finish(folder: Path, model: Path) -> None:
    found = disk.check_full_disk(folder, model)
    if "full disk" in found.numbers:
        pytest.skip(str(found.numbers["full disk"]))
    assert found.broken == []


@linux
@pytest.mark.slow
def test_poison_files_are_named_and_the_others_done(folder: Path, model: Path) -> None:
    found = poison.check_poison(folder, model, files=18)
    assert found.broken == []
    assert found.numbers["statuses"] == {"ok": 12, "failed": 6}


@linux
@pytest.mark.slow
def test_memory_does_not_grow_with_the_batch(folder: Path, model: Path) -> None:
    found = memory.check_growth(folder, model, files=60, early=20)
    assert found.broken == []


def test_decoding_apart_is_compared_with_decoding_here(folder: Path) -> None:
    found = isolation.check_isolation(folder, rounds=1, shape=(256, 256))
    assert set(found.numbers) == {f"{name}, ms" for name in isolation.WRITERS}
