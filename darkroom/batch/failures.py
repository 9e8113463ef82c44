"""What a manifest says of a run, and of the files that failed in it: enough to try them again."""

import os
from pathlib import Path

from darkroom.batch.manifest import read_manifest
from darkroom.batch.plan import Job
from darkroom.batch.records import Record, Run, named, run_record
from darkroom.errors import UsageProblem


def header(run: Run) -> Record:
    """Return the first line of a run in a manifest: how to do the same again."""
    return run_record(run) | {
        "kind": "run",
        "command": run.command,
        "options": dict(run.options),
    }


def last_run(manifest: Path) -> Record:
    """Return the header of the last run in a manifest.

    Raises:
        UsageProblem: the file is no manifest, or cannot be read.
    """
    if not os.path.isfile(manifest):  # noqa: PTH113 - never raises
        raise UsageProblem(f"{manifest}: no such manifest")
    headers = [record for record in read_manifest(manifest) if record.get("kind") == "run"]
    if not headers:
        raise UsageProblem(f"{manifest}: this is no manifest of darkroom")
    return headers[-1]


def failed_jobs(manifest: Path, header: Record) -> list[Job]:
    """Return the jobs that failed in the run of a header, in their order."""
    last: dict[Path, tuple[object, Job]] = {}
    for record in read_manifest(manifest):
        if record.get("run") != header.get("run") or record.get("kind") == "run":
            continue
        try:
            source, target, below = (Path(named(record, key)) for key in ("in", "out", "below"))
            root = target.parents[len(below.parts) - 1]
        except (ValueError, IndexError):
            continue  # not a line of ours after all
        last[target] = record.get("status"), Job(source, target, root, below)
    return [job for status, job in last.values() if status == "failed"]
