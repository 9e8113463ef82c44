"""The record of a measurement: what was found, when, on what machine, by which version."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from darkroom import __version__


def write_record(path: Path, facts: Mapping[str, object]) -> None:
    """Write facts as JSON, behind the date, the machine and the version."""
    stamp = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "darkroom": __version__,
    }
    path.write_text(json.dumps({**stamp, **facts}, indent=1) + "\n", encoding="utf-8")
