"""One JSON object for each file, for scripts and for the manifest.

Every line is plain ASCII and valid JSON, whatever bytes a file name holds: bytes that are not UTF-8
show as U+FFFD in `in`, `out` and `below`, and `in_b64`, `out_b64`, `below_b64` then hold the exact
name.
"""

import base64
import hashlib
import json
import math
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from darkroom import __version__
from darkroom.batch.outcome import Outcome, R, Seen
from darkroom.batch.plan import Job
from darkroom.publish import Published

VERSION = 1  # of the record; grows when a field changes its meaning

Record = dict[str, object]


@dataclass(frozen=True)
class Run:
    """What all records of one run share.

    Attributes:
        command: the command, such as "enhance".
        options: its options as they were given, so that `darkroom retry` can repeat them.
        params: digest of the options that decide what the outputs look like.
        weights: digest of the model.
        libraw: version of the RAW decoder.
        id: tells this run from others.
        host: the machine that leads it.
        cwd: the folder that relative names start from.
    """

    command: str = ""
    options: Mapping[str, object] = field(default_factory=dict)
    params: str = ""
    weights: str = ""
    libraw: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    host: str = field(default_factory=socket.gethostname)
    cwd: str = field(default_factory=os.getcwd)


def digest_of_params(params: Mapping[str, object]) -> str:
    """Return a short digest of what decides how outputs look; equal settings, equal digests."""
    text = json.dumps(params, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def outcome_record(outcome: Outcome[R], run: Run) -> Record:
    """Return the record of one file; what is not known is None.

    Times in `t_ms` are milliseconds: each stage that the recipe tells, and "total".
    """
    report = outcome.report
    fields = {} if report is None else report.record()
    stages = fields.pop("seconds", {})
    times = stages if isinstance(stages, Mapping) else {}
    published = None if report is None else report.published
    return {
        **job_record(outcome.job, run),
        **seen_record(outcome.seen),
        **published_record(published),
        "status": outcome.status,
        "code": outcome.code and str(outcome.code),
        "stage": outcome.stage or None,
        "msg": outcome.message or None,
        "warn": list(outcome.warnings),
        **fields,
        "t_ms": {stage: round(1000 * seconds, 1) for stage, seconds in times.items()}
        | {"total": round(1000 * outcome.seconds, 1)},
    }


def seen_record(seen: Seen | None) -> Record:
    """Return what identifies the version of the input."""
    return {
        "size": seen and seen.size,
        "mtime_ns": seen and seen.mtime_ns,
        "sha256": seen and seen.sha256,
    }


def published_record(published: Published | None) -> Record:
    """Return what identifies the output's bytes."""
    return {
        "out_size": published and published.size,
        "out_sha256": published and published.sha256,
    }


def job_record(job: Job, run: Run) -> Record:
    """Return what can be said of a job before its work begins."""
    return {
        **run_record(run),
        **_name("in", job.source),
        **_name("out", job.target),
        **_name("below", job.below),
        "params": run.params,
        "weights": run.weights,
    }


def run_record(run: Run) -> Record:
    """Return what says where and when a line was written, and by which program."""
    return {
        "v": VERSION,
        "darkroom": __version__,
        "libraw": run.libraw,
        "run": run.id,
        "host": run.host,
        **_name("cwd", Path(run.cwd)),
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def record_line(record: Mapping[str, object]) -> str:
    r"""Return a record as one line of JSON; numbers that JSON does not know become null.

    >>> record_line({"in": "a\nb", "ratio": float("inf")})
    '{"in": "a\\nb", "ratio": null}\n'
    """
    return json.dumps(_finite(record), ensure_ascii=True, allow_nan=False) + "\n"


def named(record: Mapping[str, object], key: str) -> str:
    """Return the exact file name that a record holds under `key`.

    Raises:
        ValueError: it holds none.
    """
    exact, text = record.get(f"{key}_b64"), record.get(key)
    if isinstance(exact, str):
        return os.fsdecode(base64.b64decode(exact, validate=True))
    if not isinstance(text, str):
        raise ValueError(f"a record without '{key}'")
    return text


def _name(key: str, path: Path) -> Record:
    exact = os.fsencode(path)
    text = exact.decode("utf-8", "replace")
    is_text = text.encode() == exact
    return {key: text, f"{key}_b64": None if is_text else base64.b64encode(exact).decode()}


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # lone surrogates are not text
    return value
