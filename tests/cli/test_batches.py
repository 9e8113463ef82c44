from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from darkroom.batch.ledger import Rules
from darkroom.batch.plan import Job
from darkroom.batch.records import Run
from darkroom.batch.run import one_by_one
from darkroom.cli.batches import Asked, Batch, Telling, batch_of, find_and_work
from darkroom.cli.colorize_options import ColorizeOptions, settings_of
from darkroom.errors import EnvironmentProblem, NothingMatched, UsageProblem
from darkroom.publish import publish
from darkroom.report.console import Verbosity

TELLING = Telling(Verbosity.NORMAL)


def copying(worked: list[str]) -> Callable[[], Batch]:
    """Prepare a batch that copies, and remembers the names of what it copied."""

    def work(job: Job) -> Any:
        worked.append(job.source.name)
        publish(job.target, lambda file: file.write(job.source.read_bytes()), overwrite=False)

    attempts = one_by_one(lambda: nullcontext(work))
    return lambda: Batch(Run("copy"), Rules(), None, lambda ledger: nullcontext(attempts))


def asked(*names: str, **changes: object) -> Asked:
    plain = Asked(
        names, None, False, lambda path: path.suffix == ".a", "letter", None, ".b", None, False
    )
    return replace(plain, **changes)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("1.a", "2.a", "3.c"):
        (tmp_path / name).write_text(name)


def test_what_is_found_is_done_once() -> None:
    worked: list[str] = []
    assert find_and_work(asked("."), copying(worked), TELLING) == 0
    assert worked == ["1.a", "2.a"]
    assert Path("1.a.b").read_text() == "1.a"


def test_shards_share_the_files() -> None:
    worked: list[str] = []
    for shard in ("1/2", "2/2"):
        find_and_work(asked(".", shard=shard), copying(worked), TELLING)
    assert sorted(worked) == ["1.a", "2.a"]


def test_nothing_is_prepared_where_nothing_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NothingMatched):
        find_and_work(asked("*.x"), pytest.fail, TELLING)
    assert find_and_work(asked("*.x", allow_empty=True), pytest.fail, TELLING) == 0
    assert "no file matched '*.x'" in capsys.readouterr().err


def test_what_matched_nothing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    find_and_work(asked("1.a", "*.x"), copying([]), TELLING)
    assert "'*.x' matched no letter" in capsys.readouterr().err


def test_null_belongs_to_a_list() -> None:
    with pytest.raises(UsageProblem, match="--files-from"):
        find_and_work(asked("1.a", null=True), copying([]), TELLING)


def test_a_dry_run_does_nothing() -> None:
    worked: list[str] = []
    assert find_and_work(asked("1.a"), copying(worked), replace(TELLING, dry_run=True)) == 0
    assert worked == []


def test_a_batch_knows_command_options_and_weights(small_nir_model: str) -> None:
    options = ColorizeOptions(model=small_nir_model, fail_fast=True, verify=True)
    batch = batch_of("colorize", options, settings_of(options), lambda ledger: nullcontext())
    assert batch.run.command == "colorize"
    assert batch.run.options["model"] == small_nir_model
    assert len(batch.run.weights) == 64
    assert batch.rules == Rules(verify=True)
    assert batch.most_failures == 1
    missing = replace(options, model="unheard-of")
    with pytest.raises(EnvironmentProblem):
        batch_of("colorize", missing, settings_of(missing), lambda ledger: nullcontext())


def test_whoever_wants_to_hears_of_every_outcome() -> None:
    heard: list[Any] = []
    find_and_work(asked("."), copying([]), replace(TELLING, hear=heard.append))
    assert [(outcome.status, outcome.source.name) for outcome in heard] == [
        ("ok", "1.a"),
        ("ok", "2.a"),
    ]
