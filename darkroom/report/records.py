"""One JSON object a line on the standard output, for scripts.

Every line is plain ASCII and valid JSON, whatever bytes a file name holds: bytes that are not UTF-8
show as U+FFFD in `in` and `out`, and `in_b64` and `out_b64` then hold the exact name.
"""

import base64
import errno
import io
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from darkroom import __version__
from darkroom.batch.run import Outcome
from darkroom.errors import StoppedEarly

if TYPE_CHECKING:
    from darkroom.enhance import Report
    from darkroom.zoo.card import Card

    AnyOutcome = Outcome[Report | None]

VERSION = 1  # of the record; grows when a field changes its meaning


def outcome_record(outcome: "AnyOutcome") -> dict[str, object]:
    """Return the record of one enhanced file; what is not known is None.

    Times in `t_ms` are milliseconds: each stage, and "total".
    """
    report = outcome.report
    stages = report.seconds if report else {}
    return plain_record(outcome) | {
        "ratio": report and report.ratio,
        "ratio_reason": report and report.ratio_reason,
        "noise": report and report.noise_source,
        "camera": report and report.camera,
        "model": report and report.model,
        "device": report and report.device,
        "tile": report and report.tile,
        "t_ms": {stage: _milliseconds(seconds) for stage, seconds in stages.items()}
        | {"total": _milliseconds(outcome.seconds)},
    }


def plain_record(outcome: "AnyOutcome") -> dict[str, object]:
    """Return what every command can say of a file."""
    return {
        "v": VERSION,
        "darkroom": __version__,
        **_name("in", outcome.source),
        **_name("out", outcome.target),
        "status": outcome.status,
        "code": outcome.code and str(outcome.code),
        "msg": outcome.message or None,
        "warn": list(outcome.warnings),
    }


def card_record(card: "Card") -> dict[str, object]:
    """Return the card of a model."""
    return {"v": VERSION, "darkroom": __version__, **card.model_dump(mode="json")}


def write_record(record: Mapping[str, object]) -> None:
    """Write one line to the standard output, at once.

    Raises:
        StoppedEarly: nobody reads it any more, or the disk behind it is full.
    """
    try:
        if sys.stdout is None:  # closed before the program began
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        sys.stdout.write(record_line(record))
        sys.stdout.flush()
    except OSError as error:
        sys.stdout = io.StringIO()  # the rest of the buffer must not fail again at the end
        raise StoppedEarly(f"stopped: records cannot be written: {error.strerror}") from None


def record_line(record: Mapping[str, object]) -> str:
    r"""Return a record as one line of JSON; numbers that JSON does not know become null.

    >>> record_line({"in": "a\nb", "ratio": float("inf")})
    '{"in": "a\\nb", "ratio": null}\n'
    """
    return json.dumps(_finite(record), ensure_ascii=True, allow_nan=False) + "\n"


def _name(key: str, path: Path) -> dict[str, object]:
    exact = os.fsencode(path)
    text = exact.decode("utf-8", "replace")
    is_text = text.encode() == exact
    return {key: text, f"{key}_b64": None if is_text else base64.b64encode(exact).decode()}


def _milliseconds(seconds: float) -> float:
    return round(1000 * seconds, 1)


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
