"""The command `darkroom retry`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from darkroom.cli.enhance import enhance_jobs
from darkroom.cli.enhance_options import read_options
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
DryRun = Annotated[
    bool, typer.Option("-n", "--dry-run", help="Print what would be done, and do nothing.")
]


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

    verbosity = verbosity_of(quiet, verbose)
    path = manifest.absolute()
    header = last_run(path)
    options = read_options(header.get("options"))
    enter(header)
    jobs = failed_jobs(path, header)
    if not jobs:
        raise NothingMatched(f"{manifest}: no file of its last run failed")
    code = enhance_jobs(jobs, options, dry_run=dry_run, json=json, verbosity=verbosity)
    raise typer.Exit(code)


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
            " start darkroom enhance again instead"
        ) from None
    except ValueError:
        raise UsageProblem("the manifest does not say where its run was started") from None
