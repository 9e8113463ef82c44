"""The command `darkroom colorize`."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import typer

from darkroom.cli import batch_options as batch
from darkroom.cli import colorize_options as opt
from darkroom.cli.batches import Batch, Telling, asked_for, batch_of, find_and_work
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

if TYPE_CHECKING:
    from darkroom.batch.finished import ColorizeReport
    from darkroom.batch.ledger import Ledger
    from darkroom.batch.run import Attempts
    from darkroom.colorize import Settings

EPILOG = """Examples:

\b
  darkroom colorize nir.png
  darkroom colorize 'survey/**/*_nir.jpg' -o colour/ --format png
  darkroom colorize --from-raw converted/ -o colour/ --keep-nir-luminance 0.5
"""


def command(
    files: opt.Files = None,
    *,
    out: OutDir = None,
    format_: batch.OutFormat = batch.Format.TIFF,
    compression: batch.Packed = batch.Compression.DEFLATE,
    model: batch.Model = "nir-lite",
    device: On = Device.AUTO,
    engine: By = EngineName.AUTO,
    precision: In = PrecisionName.AUTO,
    tile: opt.Tile = "auto",
    max_memory: batch.MaxMemory = None,
    channel: opt.FromChannel = None,
    from_raw: opt.FromRaw = False,
    guided_filter: opt.Guided = True,
    radius: batch.Radius = None,
    eps: batch.Eps = None,
    keep_nir_luminance: opt.KeepLuminance = 0.0,
    strip_gps: batch.StripGps = False,
    overwrite: Overwrite = False,
    verify: batch.Verify = False,
    checksum: batch.Checksum = False,
    shard: batch.Shards = None,
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
) -> None:
    """Turn near-infrared pictures into colour.

    Each FILE becomes FILE.tif (or .png). The colours are what the model has learned to expect,
    not a measurement. Files that fail are named at the end and never stop the others. The same
    command again does exactly what is missing or failed.
    """
    options = opt.chosen(locals())
    opt.settings_of(options)  # wrong use is told before the disk is searched
    from darkroom.camera.read import is_raw_name
    from darkroom.picture.load import is_picture_name

    is_input = is_raw_name if from_raw else is_picture_name
    asked = asked_for(locals(), is_input=is_input, kind="RAW file" if from_raw else "picture")
    telling = Telling(verbosity_of(quiet, verbose), json, dry_run)
    raise typer.Exit(find_and_work(asked, partial(colouring, options), telling))


def repetition(stored: object) -> Batch:
    """Return the batch of options that a manifest holds, else raise UsageProblem."""
    return colouring(opt.read_options(stored))


def colouring(options: opt.ColorizeOptions) -> Batch:
    """Return what these options do.

    Raises:
        UsageProblem: they are impossible.
        EnvironmentProblem: there is no such model.
    """
    from darkroom.camera.decoder_version import dotted, libraw_version

    settings = opt.settings_of(options)
    libraw = dotted(libraw_version()) if options.from_raw else ""
    return batch_of("colorize", options, settings, partial(_attempts, settings), libraw=libraw)


def _attempts(
    settings: "Settings", ledger: "Ledger"
) -> "AbstractContextManager[Attempts[ColorizeReport]]":
    from darkroom.batch.overlap import overlapped
    from darkroom.colorize import colorizing

    saves_memory = settings.max_memory is not None
    prepare = partial(colorizing, settings)
    return nullcontext(overlapped(prepare, ledger.intend, saves_memory=saves_memory))
