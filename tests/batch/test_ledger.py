import hashlib
import os
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.ledger import MOST_OPEN, Ledger, Rules, check_memories, digest_of, noting
from darkroom.batch.manifest import Manifest
from darkroom.batch.outcome import Outcome, Seen, attempt, look_at
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.errors import FailureCode, FileProblem, StoppedEarly, UsageProblem
from darkroom.publish import Published

DEFAULT = Rules()
RUN = Run(command="enhance", options={"ratio": "100"}, params="p1", weights="w1")


@dataclass(frozen=True)
class Note:
    published: Published | None
    seen: Seen | None
    warnings: tuple[str, ...] = ()
    suspect: bool = False

    def record(self) -> dict[str, object]:
        return {}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job whose input exists."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    source = tmp_path / "in" / "a.ARW"
    source.write_bytes(b"dark")
    return Job(source, tmp_path / "out" / "a.ARW.tif", tmp_path / "out", Path("a.ARW"))


def published(content: bytes) -> Published:
    return Published(len(content), hashlib.sha256(content).hexdigest())


def do(job: Job, ledger: Ledger, content: bytes = b"bright") -> Outcome[Note]:
    """Write the output, and note it, as a run does."""

    def work(job: Job) -> Note:
        seen = look_at(job.source)
        ledger.intend(job, seen, published(content))
        job.target.write_bytes(content)
        return Note(published(content), seen)

    return ledger.remember(attempt(job, work))


def verdict(job: Job, run: Run = RUN, rules: Rules = DEFAULT) -> str:
    """Say what a new run makes of the job."""
    outcome: Outcome[Any] | None = Ledger(run, rules).settled(job)
    if outcome is None:
        return "to do"
    return outcome.status if outcome.status == "skipped" else f"{outcome.code}: {outcome.message}"


def test_what_is_done_is_skipped_by_the_next_run(job: Job) -> None:
    assert verdict(job) == "to do"
    ledger = Ledger(RUN)
    assert do(job, ledger).status == "ok"
    ledger.close()
    assert verdict(job) == "skipped"
    assert verdict(job, replace(RUN, id="another", host="elsewhere")) == "skipped"
    job.target.unlink()
    assert verdict(job) == "to do"


def test_an_output_without_a_record_is_kept(job: Job) -> None:
    job.target.write_bytes(b"theirs")
    assert "no record" in verdict(job)
    assert "--overwrite" in verdict(job)
    assert verdict(job).startswith("E_COLLISION")
    assert verdict(job, rules=Rules(verify=True)) == "to do"  # made again and compared
    assert verdict(job, rules=Rules(overwrite=True)) == "to do"


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("/etc/hostname")])
def test_folders_and_links_in_place_of_an_output_are_kept(job: Job, make: Any) -> None:
    do(job, Ledger(RUN))
    job.target.unlink()
    make(job.target)
    assert verdict(job).startswith("E_COLLISION")


def test_an_output_that_was_changed_is_kept(job: Job) -> None:
    do(job, Ledger(RUN))
    job.target.write_bytes(b"bright, and edited")
    assert "changed since" in verdict(job)


def test_a_change_that_keeps_the_size_is_found_on_request(job: Job) -> None:
    do(job, Ledger(RUN))
    job.target.write_bytes(b"BRIGHT")
    assert verdict(job) == "skipped"
    assert "changed since" in verdict(job, rules=Rules(verify=True))


@pytest.mark.parametrize("other", [{"params": "p2"}, {"weights": "w2"}])
def test_an_output_of_other_settings_is_kept(job: Job, other: dict[str, str]) -> None:
    do(job, Ledger(RUN))
    assert "other settings" in verdict(job, replace(RUN, **other))


def test_an_output_of_another_version_of_the_input_is_kept(job: Job) -> None:
    do(job, Ledger(RUN))
    os.utime(job.source, (1, 1))
    assert "another version" in verdict(job)
    job.source.write_bytes(b"darker")
    assert "another version" in verdict(job)


def test_with_checksums_the_time_of_an_input_does_not_matter(job: Job) -> None:
    rules = Rules(checksum=True)
    outcome = do(job, Ledger(RUN, rules))
    assert outcome.seen and outcome.seen.sha256 == digest_of(job.source)
    os.utime(job.source, (1, 1))
    assert verdict(job, rules=rules) == "skipped"
    size = job.source.stat()
    job.source.write_bytes(b"DARK")
    os.utime(job.source, ns=(size.st_atime_ns, size.st_mtime_ns))
    assert "another version" in verdict(job, rules=rules)


def test_times_of_outputs_never_matter(job: Job) -> None:
    do(job, Ledger(RUN))
    for moment in (0, 1, time.time() + 3e8):
        os.utime(job.target, (moment, moment))
        assert verdict(job) == "skipped"


def test_a_writer_that_was_killed_after_naming_its_output_is_known_by_its_intention(
    job: Job,
) -> None:
    ledger = Ledger(RUN)
    ledger.intend(job, look_at(job.source), published(b"bright"))
    assert verdict(job) == "to do"  # killed before
    job.target.write_bytes(b"bright")
    assert verdict(job) == "skipped"  # killed after
    job.target.write_bytes(b"BRIGHT")
    assert "changed since" in verdict(job)


def test_of_two_records_the_one_that_describes_the_bytes_counts(job: Job) -> None:
    do(job, Ledger(RUN), b"bright")
    do(job, Ledger(replace(RUN, params="p2"), Rules(overwrite=True)), b"BRIGHT")
    assert "other settings" in verdict(job)
    assert verdict(job, replace(RUN, params="p2")) == "skipped"
    job.target.write_bytes(b"bright")  # the clock plays no part: the older one is there again
    assert verdict(job) == "skipped"


def test_failures_are_done_again(job: Job) -> None:
    def work(job: Job) -> Note:
        raise FileProblem(FailureCode.EMPTY, "empty")

    ledger = Ledger(RUN)
    ledger.remember(attempt(job, work))
    ledger.close()
    assert verdict(job) == "to do"


def test_the_memory_moves_with_its_folders(job: Job, tmp_path: Path) -> None:
    ledger = Ledger(RUN)
    do(job, ledger)
    ledger.close()
    job.root.rename(tmp_path / "moved")
    moved = replace(job, root=tmp_path / "moved", target=tmp_path / "moved" / "a.ARW.tif")
    assert verdict(moved) == "skipped"


def test_broken_records_are_no_records(job: Job) -> None:
    job.target.write_bytes(b"bright")
    manifest = Manifest(job.root, {"v": 1})
    manifest.append({"v": 1, "status": "ok"})
    manifest.append({"v": 1, "status": "ok", "out": "a.ARW.tif", "below": "a.ARW", "out_size": "x"})
    manifest.close()
    assert "no record" in verdict(job)


def test_a_hundred_thousand_records_are_read_in_seconds(job: Job) -> None:
    ledger = Ledger(RUN)
    do(job, ledger)
    ledger.close()
    (path,) = ledger.paths
    line = path.read_bytes().splitlines()[-1]
    with path.open("ab") as file:
        for n in range(100_000):
            file.write(line.replace(b"a.ARW", b"%d.ARW" % n) + b"\n")
    started = time.process_time()
    assert verdict(job) == "skipped"
    assert time.process_time() - started < 5


def test_a_full_disk_stops_the_batch_but_not_the_news_of_it(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Manifest, record: object) -> None:
        raise FileProblem(FailureCode.WRITE_SPACE, "full", "free space")

    ledger = Ledger(RUN)
    done = do(job, ledger)
    monkeypatch.setattr(Manifest, "append", full)
    with pytest.raises(StoppedEarly, match="full"):
        ledger.remember(done)
    failed: Outcome[Note] = Outcome(job, "failed", FailureCode.WRITE_SPACE, "full")
    assert ledger.remember(failed) == failed


def test_a_failure_makes_no_folder(tmp_path: Path) -> None:
    job = Job(tmp_path / "no" / "a", tmp_path / "no" / "a.tif", tmp_path / "no", Path("a"))
    failed: Outcome[Note] = Outcome(job, "failed", FailureCode.NOT_REGULAR, "no such file")
    assert Ledger(RUN).remember(failed) == failed
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_helps_notes_its_intentions(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named = replace(job, source=Path("in/a.ARW"), target=Path("out/a.ARW.tif"), root=Path("out"))
    run = replace(RUN, cwd=str(tmp_path))
    monkeypatch.chdir("/")
    with noting(run) as intend:
        intend(named, look_at(named.source), published(b"bright"))
        named.target.write_bytes(b"bright")
    assert verdict(job) == "skipped"


@pytest.mark.parametrize("relative", [True, False])
def test_records_are_found_from_wherever_the_batch_is_started(
    job: Job, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    (job.root / "day").mkdir()
    whole = replace(job, target=job.root / "day" / "a.ARW.tif", below=Path("day/a.ARW"))
    part = replace(whole, root=job.root / "day", below=Path("a.ARW"))
    if relative:
        monkeypatch.chdir(job.root / "day")
        part = replace(part, root=Path(), target=Path("a.ARW.tif"))
    for first, second in ((whole, part), (part, whole)):
        ledger = Ledger(RUN)
        do(first, ledger)
        ledger.close()
        assert verdict(second) == "skipped"
        shutil.rmtree((first.root / ".darkroom").resolve())
        first.target.unlink()


def test_any_number_of_folders_can_be_remembered(job: Job, tmp_path: Path) -> None:
    ledger = Ledger(RUN)
    for n in range(2 * MOST_OPEN):
        folder = tmp_path / str(n)
        folder.mkdir()
        there = Job(job.source, folder / "a.ARW.tif", folder, Path("a.ARW"))
        do(there, ledger)
        do(replace(job, target=job.target.with_name(f"{n}.tif")), ledger)
    assert len(list(Path("/dev/fd").iterdir())) < 1.5 * MOST_OPEN
    ledger.close()
    assert len(ledger.paths) == 2 * MOST_OPEN + 1
    lines = ledger.paths[1].read_bytes().splitlines()
    assert sum(b'"kind": "run"' in line for line in lines) == 1
    assert len(lines) == 1 + 2 * 2 * MOST_OPEN


def test_an_input_that_changes_during_the_work_is_done_again_on_request(job: Job) -> None:
    """The record tells of the version that was read, whatever lies there by now."""
    for rules, words in ((Rules(), "another version"), (Rules(checksum=True), "to do")):
        ledger = Ledger(RUN, rules)

        def work(job: Job, ledger: Ledger = ledger) -> Note:
            seen = look_at(job.source)
            job.source.write_bytes(job.source.read_bytes() + b"!")
            ledger.intend(job, seen, published(b"bright"))
            job.target.write_bytes(b"bright")
            return Note(published(b"bright"), seen)

        outcome = ledger.remember(attempt(job, work))
        ledger.close()
        assert outcome.seen and outcome.seen.sha256 is None
        assert words in verdict(job, rules=rules)
        job.target.unlink()
        shutil.rmtree(job.root / ".darkroom")


def test_any_record_of_the_same_work_counts_whatever_the_order(job: Job) -> None:
    for moment in (1, 2, 1):
        os.utime(job.source, (moment, moment))
        ledger = Ledger(RUN, Rules(overwrite=True))
        do(job, ledger)
        ledger.close()
    for moment in (1, 2):
        os.utime(job.source, (moment, moment))
        assert verdict(job) == "skipped"


def test_a_twin_from_another_folder_is_not_taken_for_done(job: Job, tmp_path: Path) -> None:
    do(job, Ledger(RUN))
    facts = job.source.stat()
    twin = tmp_path / "other" / "a.ARW"
    twin.parent.mkdir()
    twin.write_bytes(b"DARK")
    os.utime(twin, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert f"was made from {job.source}" in verdict(replace(job, source=twin))
    job.source.unlink()  # it was moved there
    assert verdict(replace(job, source=twin)) == "skipped"


def test_pipes_are_never_waited_for(job: Job, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert digest_of(tmp_path / "pipe") is None
    (tmp_path / "link").symlink_to("/dev/zero")
    assert digest_of(tmp_path / "link") is None
    job.target.write_bytes(b"bright")
    (job.root / ".darkroom").mkdir()
    os.mkfifo(job.root / ".darkroom" / "manifest-x-1.jsonl")
    assert "no record" in verdict(job)


def test_manifests_of_strangers_are_not_believed(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(RUN)
    do(job, ledger)
    ledger.close()
    assert verdict(job) == "skipped"
    (path,) = ledger.paths
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(path, 4711, -1)
    assert "no record" in verdict(job)
    os.chown(job.root, 4711, -1)
    assert verdict(job) == "skipped"  # the folder is the stranger's own


def test_links_on_the_way_to_a_folder_change_nothing(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "elsewhere" / "out").mkdir()
    root = tmp_path / "link" / ".." / "out"
    winding = replace(job, root=root, target=root / "a.ARW.tif")
    ledger = Ledger(RUN)
    do(winding, ledger)
    ledger.close()
    assert verdict(winding) == "skipped"
    straight = tmp_path / "elsewhere" / "out"
    assert verdict(replace(job, root=straight, target=straight / "a.ARW.tif")) == "skipped"


def test_an_output_that_cannot_be_seen_is_kept(job: Job) -> None:
    job.target.symlink_to("x" * 255)
    assert verdict(job).startswith("E_COLLISION")


def test_failures_are_remembered_even_before_the_folder_exists(job: Job, tmp_path: Path) -> None:
    root = tmp_path / "new"
    failed: Outcome[Note] = Outcome(
        replace(job, root=root, target=root / "a.ARW.tif"), "failed", FailureCode.EMPTY, "empty"
    )
    ledger = Ledger(RUN)
    ledger.remember(failed)
    ledger.close()
    (path,) = ledger.paths
    assert b'"E_EMPTY"' in path.read_bytes()


def test_with_checksums_a_record_without_one_proves_nothing(job: Job) -> None:
    do(job, Ledger(RUN))
    assert verdict(job, rules=Rules(checksum=True)) == "to do"  # made again and compared
    do(job, Ledger(RUN, Rules(checksum=True)))
    assert verdict(job, rules=Rules(checksum=True)) == "skipped"


def test_a_file_in_place_of_the_memory_is_told_before_any_work(job: Job) -> None:
    check_memories([job])
    (job.root / ".darkroom").touch()
    with pytest.raises(UsageProblem, match="in the way"):
        check_memories([job])


def test_a_manifest_without_a_line_is_not_told_of(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    ledger = Ledger(RUN)
    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(FileProblem):
            ledger.intend(job, None, published(b"bright"))
    assert ledger.paths == ()
    ledger.close()
