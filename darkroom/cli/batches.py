"""What all commands share that work through files: find, plan, leave out what is done, work."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from darkroom.cli.batch_options import SUFFIXES, BatchOptions
from darkroom.cli.follow import follow
from darkroom.errors import NothingMatched, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.inputs import Found
    from darkroom.batch.ledger import Ledger, Rules
    from darkroom.batch.outcome import Outcome, Result
    from darkroom.batch.plan import Job
    from darkroom.batch.records import Run
    from darkroom.batch.run import Attempts
    from darkroom.report.console import Verbosity
    from darkroom.zoo.card import Task

    AnyOutcome = Outcome[Result | None]


class Settings(Protocol):
    """What the settings of its recipe can tell."""

    @property
    def model(self) -> str:
        """Name or weights file."""

    def params(self) -> dict[str, object]:
        """Return what decides how an output looks, beside input and model."""


@dataclass(frozen=True)
class Asked:
    """Which files are asked for, and where their outputs go.

    Attributes:
        names: files, folders and patterns; `files_from` is a list of more, ended by NUL if `null`.
        is_input: whether a file found in a folder is wanted.
        kind: what such a file is called.
        out: folder of the outputs, None for beside the inputs.
        suffix: of the outputs.
        shard: the share to work on, as it was written.
        allow_empty: whether no file is as good as done.
    """

    names: Sequence[str]
    files_from: str | None
    null: bool
    is_input: Callable[[Path], bool]
    kind: str
    out: Path | None
    suffix: str
    shard: str | None
    allow_empty: bool


@dataclass(frozen=True)
class Batch:
    """A command with its options, ready to work through any files.

    Attributes:
        run: what the records share.
        rules: how finished work is recognised.
        most_failures: as in `batch.run.StopRules`.
        attempts: opens what does the jobs, given the ledger that notes them.
    """

    run: "Run"
    rules: "Rules"
    most_failures: int | None
    attempts: "Callable[[Ledger], AbstractContextManager[Attempts[Result]]]"


@dataclass(frozen=True)
class Telling:
    """What the user wants to be told; after a dry run nothing has changed.

    `hear`, too, is told of every outcome.
    """

    verbosity: "Verbosity"
    json: bool = False
    dry_run: bool = False
    hear: "Callable[[AnyOutcome], object] | None" = None


def asked_for(
    arguments: Mapping[str, Any], *, is_input: Callable[[Path], bool], kind: str
) -> Asked:
    """Pick what is asked for out of the arguments of a command."""
    return Asked(
        names=arguments["files"] or [],
        files_from=arguments["files_from"],
        null=arguments["null"],
        is_input=is_input,
        kind=kind,
        out=arguments["out"],
        suffix=SUFFIXES[arguments["format_"]],
        shard=arguments["shard"],
        allow_empty=arguments["allow_empty"],
    )


def batch_of(
    command: "Task",
    options: BatchOptions,
    settings: Settings,
    attempts: "Callable[[Ledger], AbstractContextManager[Attempts[Result]]]",
    *,
    libraw: str = "",
) -> Batch:
    """Return the batch of a command.

    Raises:
        EnvironmentProblem: there is no such model.
        UsageProblem: it is for another command.
    """
    from darkroom.batch.ledger import Rules
    from darkroom.batch.records import Run, digest_of_params
    from darkroom.zoo.card import check_task
    from darkroom.zoo.find import locate
    from darkroom.zoo.header import read_card

    card = read_card(locate(settings.model))
    check_task(card, command)
    run = Run(
        command=command,
        options=asdict(options),
        params=digest_of_params(settings.params()),
        weights=card.sha256,
        libraw=libraw,
    )
    rules = Rules(options.checksum, options.verify, options.overwrite)
    return Batch(run, rules, 1 if options.fail_fast else options.max_failures, attempts)


def find_and_work(asked: Asked, prepare: Callable[[], Batch], telling: Telling) -> int:
    """Find the files that are asked for, work through them and return the exit code.

    Args:
        asked: the files.
        prepare: returns the batch, once it is known what there is to do.
        telling: what the user wants to be told.

    Raises:
        DarkroomError: what concerns the whole batch.
    """
    from darkroom.batch.plan import plan_jobs

    try:
        found = _found(asked, telling.verbosity)
    except NothingMatched as nothing:
        if not asked.allow_empty:
            raise
        _say(str(nothing), telling.verbosity)
        return 0
    is_mine = _share(asked.shard)
    every = plan_jobs(found, out_dir=asked.out, suffix=asked.suffix)
    jobs = [job for job in every if is_mine(job)]
    same = [outcome for outcome in same_files(found, asked) if is_mine(outcome.job)]
    return work_through(jobs, prepare(), telling, settled=same)


def work_through(
    jobs: "Sequence[Job]",
    batch: Batch,
    telling: Telling,
    *,
    settled: "Sequence[AnyOutcome]" = (),
) -> int:
    """Work through the jobs, tell of them and of those settled already, and return the exit code.

    Raises:
        DarkroomError: what concerns the whole batch.
    """
    from darkroom.batch.ledger import Ledger

    with closing(Ledger(batch.run, batch.rules)) as ledger, ExitStack() as ending:
        work = _previewed(jobs, ledger) if telling.dry_run else _done(jobs, batch, ledger)
        outcomes = ending.enter_context(closing(work))  # decoder and cluster end before the ledger
        return follow(
            jobs,
            outcomes if telling.hear is None else _heard(outcomes, telling.hear),
            settled=settled,
            verbosity=telling.verbosity,
            json=telling.json,
            run=batch.run,
            manifests=lambda: ledger.paths,
        )


def _heard(
    outcomes: "Iterable[AnyOutcome]", hear: "Callable[[AnyOutcome], object]"
) -> "Iterator[AnyOutcome]":
    for outcome in outcomes:
        hear(outcome)
        yield outcome


def same_files(found: "Found", asked: Asked) -> "list[AnyOutcome]":
    """Return the outcomes of further names of files that are worked on under another name."""
    from darkroom.batch.outcome import Outcome
    from darkroom.batch.plan import job_of

    outcomes: list[AnyOutcome] = []
    for duplicate in found.duplicates:
        job = job_of(duplicate.item, asked.out, asked.suffix)
        message = f"the same file as {duplicate.first}"
        outcomes.append(Outcome(job, "skipped", message=message))
    return outcomes


def _found(asked: Asked, verbosity: "Verbosity") -> "Found":
    from darkroom.batch.inputs import expand_inputs

    if asked.null and asked.files_from is None:
        raise UsageProblem("-0 says how the names in a list end; add --files-from")
    found = expand_inputs(
        asked.names,
        files_from=asked.files_from,
        null_separated=asked.null,
        is_input=asked.is_input,
    )
    for name in found.unmatched:
        _say(f"'{name}' matched no {asked.kind}", verbosity)
    return found


def _say(text: str, verbosity: "Verbosity") -> None:
    from darkroom.report.console import say

    if verbosity > verbosity.QUIET:
        say(f"darkroom: {text}")


def _share(shard: str | None) -> "Callable[[Job], bool]":
    from darkroom.batch.shard import in_shard, parse_shard

    if shard is None:
        return lambda job: True
    return partial(in_shard, shard=parse_shard(shard))


def _previewed(jobs: "Sequence[Job]", ledger: "Ledger") -> "Generator[AnyOutcome, None, None]":
    from darkroom.batch.run import preview_jobs

    return preview_jobs(jobs, settled=ledger.settled)


def _done(
    jobs: "Sequence[Job]", batch: Batch, ledger: "Ledger"
) -> "Generator[AnyOutcome, None, None]":
    """Sweep away what killed runs left, then do the jobs."""
    from darkroom.batch.ledger import check_memories
    from darkroom.batch.plan import check_folders
    from darkroom.batch.run import StopRules, run_jobs
    from darkroom.publish import sweep

    check_memories(jobs)
    for folder in {job.target.parent for job in jobs}:
        sweep(folder)
    with batch.attempts(ledger) as attempts:
        yield from run_jobs(
            jobs,
            attempts,
            settled=ledger.settled,
            remember=ledger.remember,
            rules=StopRules(batch.most_failures),
            ready=check_folders,
        )
