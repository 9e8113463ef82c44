"""What a speed was measured on: processor, memory, load, versions. Reads files, loads nothing."""

import json
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from speed_process import Facts, helper

from darkroom import __version__

FACTS = Path("/proc/cpuinfo")
FAST = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")
PACKAGES = ("torch", "openvino", "numpy", "opencv-python-headless", "rawpy", "tifffile", "isal")


def machine() -> Facts:
    """Return the processor, its cores, what it computes natively, and the memory in GB."""
    text = FACTS.read_text() if FACTS.exists() else ""
    model = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    flags = re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)
    known = set(flags[1].split()) if flags else set()
    return {
        "model": model[1] if model else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "flags": [flag for flag in FAST if flag in known],
        "system": f"{platform.system()} {platform.release()}",
    }


def load() -> float:
    """Return how many processes wanted to run in the last minute: near 0 where nothing disturbs."""
    return round(os.getloadavg()[0], 2)


def versions() -> dict[str, str]:
    """Return the versions of everything that was timed and is installed."""
    found = {"darkroom": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    peers: dict[str, str] = json.loads(helper("speed_peers.py", "versions"))
    return found | {name: number_in(text) for name, text in peers.items()}


def number_in(text: str) -> str:
    """Return the version in what a program says of itself.

    >>> number_in("RawTherapee, version 5.9, command line.")
    '5.9'
    """
    number = re.search(r"\d+(\.\d+)+", text)
    return number[0] if number else text
