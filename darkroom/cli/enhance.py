"""The command `darkroom enhance`."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli import enhance_options as opt
from darkroom.cli.follow import follow, verbosity_of
from darkroom.cli.options import Device, Json, OutDir, Overwrite, Quiet, Verbose
from darkroom.errors import NothingMatched, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.inputs import Found
    from darkroom.batch.ledger import Ledger
    from darkroom.batch.outcome import Outcome
    from darkroom.batch.plan import Job
    from darkroom.batch.records import Run
    from darkroom.batch.run import Attempts
    from darkroom.enhance import Report, Settings
    from darkroom.report.console import Verbosity

EPILOG = """Examples:

\b
  darkroom enhance night/ -o clean/ --ratio 100
  darkroom enhance 'card/**/*.ARW' --format png
  find . -name '*.NEF' -print0 | darkroom enhance --files-from - -0 --json
"""

On = Annotated[Device, typer.Option("--device", help="Where the network runs.")]


def command(
    files: opt.Files = None,
    *,
    out: OutDir = None,
    format_: opt.OutFormat = opt.Format.TIFF,
    ratio: opt.Ratio = "auto",
    model: opt.Model = "fast-unet",
    device: On = Device.AUTO,
    tile: opt.Tile = "auto",
    max_memory: opt.MaxMemory = None,
    strength: opt.Strength = 1.0,
    views: opt.Views = opt.ViewCount.ONE,
    tone: opt.ToneCurve = opt.Tone.STANDARD,
    guided_filter: opt.Guided = False,
    radius: opt.Radius = None,
    eps: opt.Eps = None,
    strip_gps: opt.StripGps = False,
    overwrite: Overwrite = False,
    verify: opt.Verify = False,
    checksum: opt.Checksum = False,
    shard: opt.Shards = None,
    scheduler: opt.Scheduler = None,
    max_failures: opt.MaxFailures = None,
    fail_fast: opt.FailFast = False,
    allow_suspect: opt.AllowSuspect = False,
    allow_empty: opt.AllowEmpty = False,
    max_pixels: opt.MaxPixels = None,
    decode_timeout: opt.DecodeTimeout = None,
    dry_run: opt.DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    files_from: opt.FilesFrom = None,
    null: opt.Null = False,
) -> None:
    """Turn dark RAW files into clean pictures.

    Each FILE becomes FILE.tif (or .png). Files that fail are named at the end and never stop
    the others. The same command again does exactly what is missing or failed.
    """
    options = opt.chosen(locals())
    verbosity = verbosity_of(quiet, verbose)
    opt.settings_of(options)  # wrong use is told before the disk is searched
    try:
        found = _found(files, files_from, null, verbosity)
    except NothingMatched as nothing:
        if not allow_empty:
            raise
        _say(str(nothing), verbosity)
        return
    is_mine = _share(shard)
    jobs = [job for job in _jobs(found, out, format_) if is_mine(job)]
    same = [outcome for outcome in same_files(found, out, format_) if is_mine(outcome.job)]
    code = enhance_jobs(jobs, options, same, dry_run=dry_run, json=json, verbosity=verbosity)
    raise typer.Exit(code)


def enhance_jobs(
    jobs: "Sequence[Job]",
    options: opt.EnhanceOptions,
    settled: "Sequence[Outcome[Report | None]]" = (),
    *,
    dry_run: bool = False,
    json: bool,
    verbosity: "Verbosity",
) -> int:
    """Work through the jobs, tell of them and of those settled already, and return the exit code.

    Raises:
        DarkroomError: what concerns the whole batch.
    """
    from darkroom.batch.ledger import Ledger, Rules

    settings = opt.settings_of(options)
    run = _run_of(options, settings)
    rules = Rules(options.checksum, options.verify, options.overwrite)
    with closing(Ledger(run, rules)) as ledger, ExitStack() as ending:
        work = _previewed(jobs, ledger) if dry_run else _done(jobs, options, settings, ledger)
        outcomes = ending.enter_context(closing(work))  # decoder and cluster end before the ledger
        return follow(
            jobs,
            outcomes,
            settled=settled,
            verbosity=verbosity,
            json=json,
            run=run,
            manifests=lambda: ledger.paths,
        )


def same_files(
    found: "Found", out: Path | None, format_: opt.Format
) -> "list[Outcome[Report | None]]":
    """Return the outcomes of further names of files that are worked on under another name."""
    from darkroom.batch.outcome import Outcome
    from darkroom.batch.plan import job_of

    outcomes: list[Outcome[Report | None]] = []
    for duplicate in found.duplicates:
        job = job_of(duplicate.item, out, opt.SUFFIXES[format_])
        message = f"the same file as {duplicate.first}"
        outcomes.append(Outcome(job, "skipped", message=message))
    return outcomes


def _run_of(options: opt.EnhanceOptions, settings: "Settings") -> "Run":
    from darkroom.batch.records import Run, digest_of_params
    from darkroom.camera.decoder_version import dotted, libraw_version
    from darkroom.zoo.find import locate
    from darkroom.zoo.header import read_card

    return Run(
        command="enhance",
        options=asdict(options),
        params=digest_of_params(settings.params()),
        weights=read_card(locate(settings.model)).sha256,
        libraw=dotted(libraw_version()),
    )


def _found(
    files: list[str] | None, files_from: str | None, null: bool, verbosity: "Verbosity"
) -> "Found":
    from darkroom.batch.inputs import expand_inputs
    from darkroom.camera.read import is_raw_name

    if null and files_from is None:
        raise UsageProblem("-0 says how the names in a list end; add --files-from")
    found = expand_inputs(
        files or [], files_from=files_from, null_separated=null, is_input=is_raw_name
    )
    for name in found.unmatched:
        _say(f"'{name}' matched no RAW file", verbosity)
    return found


def _say(text: str, verbosity: "Verbosity") -> None:
    from darkroom.report.console import say

    if verbosity > verbosity.QUIET:
        say(f"darkroom: {text}")


def _jobs(found: "Found", out: Path | None, format_: opt.Format) -> "list[Job]":
    from darkroom.batch.plan import plan_jobs

    return plan_jobs(found, out_dir=out, suffix=opt.SUFFIXES[format_])


def _share(shard: str | None) -> "Callable[[Job], bool]":
    from darkroom.batch.shard import in_shard, parse_shard

    if shard is None:
        return lambda job: True
    return partial(in_shard, shard=parse_shard(shard))


def _previewed(
    jobs: "Sequence[Job]", ledger: "Ledger"
) -> "Generator[Outcome[Report | None], None, None]":
    from darkroom.batch.run import preview_jobs

    return preview_jobs(jobs, settled=ledger.settled)


def _done(
    jobs: "Sequence[Job]", options: opt.EnhanceOptions, settings: "Settings", ledger: "Ledger"
) -> "Generator[Outcome[Report | None], None, None]":
    """Sweep away what killed runs left, then do the jobs."""
    from darkroom.batch.ledger import check_memories
    from darkroom.batch.plan import check_folders
    from darkroom.batch.run import StopRules, run_jobs
    from darkroom.publish import sweep

    check_memories(jobs)
    for folder in {job.target.parent for job in jobs}:
        sweep(folder)
    most = 1 if options.fail_fast else options.max_failures
    with _attempts(options, settings, ledger) as attempts:
        yield from run_jobs(
            jobs,
            attempts,
            settled=ledger.settled,
            remember=ledger.remember,
            rules=StopRules(most),
            ready=check_folders,
        )


@contextmanager
def _attempts(
    options: opt.EnhanceOptions, settings: "Settings", ledger: "Ledger"
) -> "Iterator[Attempts[Report]]":
    """Yield what does the jobs: this process, or the machines of a scheduler."""
    from darkroom.enhance import enhancing, enhancing_apart

    if options.scheduler is None:
        from darkroom.batch.run import one_by_one

        yield one_by_one(partial(enhancing, settings, ledger.intend))
    else:
        from darkroom.batch.cluster import on_cluster

        prepare = partial(enhancing_apart, settings, ledger.run)
        with on_cluster(options.scheduler, prepare) as attempts:
            yield attempts
