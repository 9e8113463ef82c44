"""What the manifests of a folder say of the outputs in it and below."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from darkroom.batch.manifest import read_records
from darkroom.batch.outcome import Seen
from darkroom.batch.records import Record, named

WRITING = "writing"  # status of an intention
WRITTEN = frozenset({"ok", "suspect", WRITING})


class MadeBy(NamedTuple):
    """What an output depends on, beside its input."""

    params: str
    weights: str
    major: str


class Entry(NamedTuple):
    """A record of one output, as far as it decides whether the work is done."""

    source: str
    seen: Seen | None
    made_by: MadeBy
    out_size: int
    out_sha256: str
    is_certain: bool


def read_entries(root: Path) -> dict[str, list[Entry]]:
    """Return the records of written outputs of a folder, by output."""
    entries: dict[str, list[Entry]] = defaultdict(list)
    for record in read_records(root):
        try:
            if record.get("status") in WRITTEN:
                entry = _entry(record)
                entries[key_of(named(record, "below"), named(record, "out"))].append(entry)
        except (ValueError, TypeError, KeyError):
            continue  # not a line of ours after all
    return dict(entries)


def key_of(below: str, target: str) -> str:
    """Return what names an output inside its folder, wherever that folder is seen from.

    >>> key_of("a/1.ARW", "out/a/1.ARW.tif")
    'a/1.ARW.tif'
    """
    return os.path.join(os.path.dirname(below), os.path.basename(target))  # noqa: PTH118,PTH119,PTH120 - 100,000 Paths take seconds


def made_by(record: Mapping[str, object]) -> MadeBy:
    """Return what the output of a record depends on.

    Raises:
        KeyError: the record does not say.
    """
    params, weights = str(record["params"]), str(record["weights"])
    return MadeBy(params, weights, major(str(record["darkroom"])))


def _entry(record: Record) -> Entry:
    size, mtime, sha256 = record["size"], record["mtime_ns"], record.get("sha256")
    out_size, out_sha256 = record["out_size"], record["out_sha256"]
    if not (isinstance(out_size, int) and isinstance(out_sha256, str)):
        raise TypeError("no output")
    digest = sha256 if isinstance(sha256, str) else None
    seen = Seen(size, mtime, digest) if isinstance(size, int) and isinstance(mtime, int) else None
    source = os.path.join(named(record, "cwd"), named(record, "in"))  # noqa: PTH118 - as above
    is_certain = record["status"] != WRITING
    return Entry(source, seen, made_by(record), out_size, out_sha256, is_certain)


def major(version: str) -> str:
    """Return the part of a version whose change makes older outputs worth redoing.

    >>> major("2.1.0")
    '2'
    """
    return version.split(".", maxsplit=1)[0]
