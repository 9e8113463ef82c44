"""The command `darkroom enhance`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from darkroom.cli import batch_options as batch
from darkroom.cli import enhance_options as opt
from darkroom.cli.batches import Asked, Batch, Telling, asked_for, batch_of, find_and_work
from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import (
    By,
    Device,
    EngineName,
    In,
    Json,
    On,
    OutDir,
    Overwrite,
    PrecisionName,
    Quiet,
    Verbose,
)
from darkroom.cli.sheets import ContactSheet, RatioSheet, gathering, sheet_of_ratios

if TYPE_CHECKING:
    from darkroom.batch.enhance_settings import Settings
    from darkroom.batch.finished import EnhanceReport
    from darkroom.batch.ledger import Intend, Ledger
    from darkroom.batch.run import Attempts
    from darkroom.enhance import Work

EPILOG = """Examples:

\b
  darkroom enhance night/ -o clean/ --ratio 100
  darkroom enhance 'card/**/*.ARW' --format png
  find . -name '*.NEF' -print0 | darkroom enhance --files-from - -0 --json
  darkroom enhance night.ARW --ratio-sheet 50,100,200
"""


def command(
    files: opt.Files = None,
    *,
    out: OutDir = None,
    format_: batch.OutFormat = batch.Format.TIFF,
    compression: batch.Packed = batch.Compression.DEFLATE,
    ratio: opt.Ratio = "auto",
    model: batch.Model = "fast-unet",
    device: On = Device.AUTO,
    engine: By = EngineName.AUTO,
    precision: In = PrecisionName.AUTO,
    tile: opt.Tile = "auto",
    max_memory: batch.MaxMemory = None,
    strength: opt.Strength = 1.0,
    views: opt.Views = opt.ViewCount.ONE,
    tone: opt.ToneCurve = opt.Tone.STANDARD,
    guided_filter: opt.Guided = False,
    radius: batch.Radius = None,
    eps: batch.Eps = None,
    strip_gps: batch.StripGps = False,
    overwrite: Overwrite = False,
    verify: batch.Verify = False,
    checksum: batch.Checksum = False,
    shard: batch.Shards = None,
    scheduler: opt.Scheduler = None,
    max_failures: batch.MaxFailures = None,
    fail_fast: batch.FailFast = False,
    allow_suspect: batch.AllowSuspect = False,
    allow_empty: batch.AllowEmpty = False,
    max_pixels: batch.MaxPixels = None,
    decode_timeout: batch.DecodeTimeout = None,
    dry_run: batch.DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    files_from: batch.FilesFrom = None,
    null: batch.Null = False,
    contact_sheet: ContactSheet = None,
    ratio_sheet: RatioSheet = None,
) -> None:
    """Turn dark RAW files into clean pictures.

    Each FILE becomes FILE.tif (or .png). Files that fail are named at the end and never stop
    the others. The same command again does exactly what is missing or failed.
    """
    options = opt.chosen(locals())
    settings = opt.settings_of(options)  # wrong use is told before the disk is searched
    if ratio_sheet is not None:
        raise typer.Exit(sheet_of_ratios(ratio_sheet, settings, locals()))
    asked = _raw_files(locals())
    with gathering(contact_sheet, locals()) as hear:
        telling = Telling(verbosity_of(quiet, verbose), json, dry_run, hear)
        code = find_and_work(asked, partial(enhancement, options), telling)
    raise typer.Exit(code)


def _raw_files(arguments: Mapping[str, Any]) -> Asked:
    """Return the RAW files that the arguments of the command ask for."""
    from darkroom.camera.read import is_raw_name

    return asked_for(arguments, is_input=is_raw_name, kind="RAW file")


def repetition(stored: object) -> Batch:
    """Return the batch of options that a manifest holds, else raise UsageProblem."""
    return enhancement(opt.read_options(stored))


def enhancement(options: opt.EnhanceOptions) -> Batch:
    """Return what these options do.

    Raises:
        UsageProblem: they are impossible.
        EnvironmentProblem: there is no such model.
    """
    from darkroom.camera.decoder_version import dotted, libraw_version

    settings = opt.settings_of(options)
    attempts = partial(_attempts, options.scheduler, settings)
    return batch_of("enhance", options, settings, attempts, libraw=dotted(libraw_version()))


@contextmanager
def _attempts(
    scheduler: str | None, settings: "Settings", ledger: "Ledger"
) -> "Iterator[Attempts[EnhanceReport]]":
    """Yield what does the jobs: this process, or the machines of a scheduler."""
    if scheduler is None:
        from darkroom.batch.overlap import overlapped

        saves_memory = settings.max_memory is not None
        yield overlapped(partial(_here, settings), ledger.intend, saves_memory=saves_memory)
    else:
        from darkroom.batch.cluster import on_cluster
        from darkroom.enhance import enhancing_apart

        prepare = partial(enhancing_apart, settings, ledger.run)
        with on_cluster(scheduler, prepare) as attempts:
            yield attempts


@contextmanager
def _here(settings: "Settings", intend: "Intend") -> "Iterator[Work]":
    """Yield what enhances files in this process; a decoder boots while the rest is imported."""
    from darkroom.batch.decoder import Decoder

    with Decoder(settings.limits) as decoder:
        decoder.start()
        from darkroom.enhance import enhancing

        with enhancing(settings, intend, decoder=decoder) as work:
            yield work
