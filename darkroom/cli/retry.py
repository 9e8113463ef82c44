"""The command `darkroom retry`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli import colorize, enhance
from darkroom.cli.batch_options import DryRun
from darkroom.cli.batches import Batch, Telling, work_through
from darkroom.cli.follow import verbosity_of
from darkroom.cli.options import Json, Quiet, Verbose
from darkroom.errors import NothingMatched, UsageProblem

if TYPE_CHECKING:
    from darkroom.batch.records import Record

EPILOG = "Example: darkroom retry clean/.darkroom/manifest-studio-4711.jsonl"

ManifestFile = Annotated[
    Path,
    typer.Argument(
        metavar="MANIFEST", help="The record of a run: .darkroom/manifest-*.jsonl in its outputs."
    ),
]

# The commands whose runs can be repeated: what their stored options do.
COMMANDS: dict[str, Callable[[object], Batch]] = {
    "enhance": enhance.repetition,
    "colorize": colorize.repetition,
}


def command(
    manifest: ManifestFile,
    *,
    dry_run: DryRun = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Do the failed files of a run again, and only those.

    The run's options are repeated, from the folder it was started in.
    """
    from darkroom.batch.failures import failed_jobs, last_run

    telling = Telling(verbosity_of(quiet, verbose), json, dry_run)
    path = manifest.absolute()
    header = last_run(path)
    repeat = repetition_of(header)
    enter(header)
    jobs = failed_jobs(path, header)
    if not jobs:
        raise NothingMatched(f"{manifest}: no file of its last run failed")
    raise typer.Exit(work_through(jobs, repeat(header.get("options")), telling))


def repetition_of(header: "Record") -> Callable[[object], Batch]:
    """Return what repeats the command of a run, given its options.

    Raises:
        UsageProblem: it is none that can be repeated.
    """
    name = str(header.get("command", "enhance"))  # the first manifests did not say it
    if name not in COMMANDS:
        raise UsageProblem(f"a run of `darkroom {name}` cannot be repeated by this version")
    return COMMANDS[name]


def enter(header: "Record") -> None:
    """Go where the run was started, for its names start from there.

    Raises:
        UsageProblem: that folder is gone.
    """
    from darkroom.batch.records import named

    try:
        folder = named(header, "cwd")
        os.chdir(folder)
    except OSError as error:
        raise UsageProblem(
            f"the run was started in {folder}, which cannot be entered: {error.strerror};"
            " run the command itself again instead"
        ) from None
    except ValueError:
        raise UsageProblem("the manifest does not say where its run was started") from None
