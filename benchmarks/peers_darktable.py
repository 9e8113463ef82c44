"""darktable 4.2 as a peer: exact exposure and denoise (profiled), no look.

Parameters are the modules' C structs of that version, little-endian (darktable's source,
src/iop/exposure.c version 6 and src/iop/denoiseprofile.c version 11). Everything else stays at
darktable's defaults for a RAW file without a workflow: as-shot white balance, RCD demosaicing,
the file's colour matrix.
"""

import json
import math
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dark_frames import Condition, Method, Setting, Srgb
from peers_commands import run_over

PROGRAM = "darktable-cli"

PROFILES = "share/darktable/noiseprofiles.json"  # beside the folder of the program
# The noise profile each camera is given. darktable has none for the A7S II: its sister's.
PROFILED = {
    "sony-a7s2": "ILCE-7S",
    "nikon-d850": "D850",
    "canon-5d4": "EOS 5D Mark IV",
    "canon-70d": "EOS 70D",
    "canon-700d": "EOS 700D",
}
MODES = {"non-local means, auto": 3, "wavelets, auto": 4}
BANDS, CURVES = 7, 6

OPTIONS = (
    "plugins/darkroom/workflow=none",
    "plugins/darkroom/chromatic-adaptation=legacy",  # white balance as shot in one module
    "plugins/imageio/format/tiff/bpp=16",
    "plugins/imageio/format/tiff/compress=0",
    "write_sidecar_files=never",
)

XMP = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/"
 darktable:xmp_version="5" darktable:raw_params="0" darktable:auto_presets_applied="1"
 darktable:history_end="{count}" darktable:iop_order_version="2">
<darktable:history><rdf:Seq>{modules}</rdf:Seq></darktable:history>
</rdf:Description></rdf:RDF></x:xmpmeta>
"""
MODULE = (
    '<rdf:li darktable:num="{place}" darktable:operation="{name}" darktable:enabled="1"'
    ' darktable:modversion="{version}" darktable:params="{params}"'
    ' darktable:multi_name="" darktable:multi_priority="0"/>'
)


def exposure(ratio: float) -> bytes:
    """Return manual exposure by log2(ratio) EV, black at 0.

    >>> struct.unpack("<f", exposure(8)[8:12])
    (3.0,)
    """
    return struct.pack("<iffffi", 0, 0.0, math.log2(ratio), 50.0, -4.0, 0)


def denoise(a: list[float], b: list[float], mode: int, strength: float) -> bytes:
    """Return denoise (profiled) with every other slider at its default.

    >>> len(denoise([0, 0, 0], [0, 0, 0], 4, 1.0))
    412
    """
    sliders = struct.pack("<8f", 1.0, 7.0, strength, 1.0, 0.0, 0.0, 0.1, 1.0)
    places = [band / (BANDS - 1) for band in range(BANDS)] * CURVES
    curves = struct.pack(f"<{2 * BANDS * CURVES}f", *places, *[0.5] * (BANDS * CURVES))
    return sliders + struct.pack("<6fi", *a, *b, mode) + curves + struct.pack("<4i", 1, 1, 1, 1)


def noise_profile(camera: str, iso: float) -> tuple[list[float], list[float]]:
    """Return darktable's own a and b (R, G, B) of a camera, at the profiled ISO next to `iso`."""
    program = Path(shutil.which(PROGRAM) or "")
    table = json.loads((program.parent.parent / PROFILES).read_text())["noiseprofiles"]
    models = {model["model"]: model["profiles"] for maker in table for model in maker["models"]}
    profiles: list[dict[str, Any]] = models[PROFILED[camera]]
    nearest = min(profiles, key=lambda profile: abs(math.log(profile["iso"] / iso)))
    return nearest["a"], nearest["b"]


def history(condition: Condition, setting: Setting) -> str:
    """Return the XMP sidecar of a condition."""
    a, b = noise_profile(condition.camera, condition.iso)
    modules = (
        ("exposure", 6, exposure(condition.ratio)),
        ("denoiseprofile", 11, denoise(a, b, MODES[setting["mode"]], setting["strength"])),
    )
    items = "".join(
        MODULE.format(place=place, name=name, version=version, params=params.hex())
        for place, (name, version, params) in enumerate(modules)
    )
    return XMP.format(count=len(modules), modules=items)


def develop(dngs: list[Path], condition: Condition, setting: Setting) -> Iterator[Srgb]:
    """Yield darktable's pictures."""

    def command(links: list[Path], pictures: Path, home: Path) -> list[str]:
        sidecar = home / "history.xmp"
        sidecar.write_text(history(condition, setting))
        where = [str(links[0].parent), str(sidecar), str(pictures)]
        core = ["--core", "--disable-opencl", "-t", "1"]
        folders = ["--configdir", str(home / "config"), "--cachedir", str(home / "cache")]
        options = [word for option in OPTIONS for word in ("--conf", option)]
        output = ["--out-ext", "tif", "--icc-type", "SRGB"]
        return [PROGRAM, *where, *output, *core, *folders, *options]

    yield from run_over(dngs, command)


DEFAULT = {"mode": "wavelets, auto", "strength": 1.0}
# Non-local means measures better than wavelets in every condition tried.
GRID = tuple(
    {"mode": "non-local means, auto", "strength": strength}
    for strength in (1.0, 3.0, 6.0, 12.0, 24.0, 48.0, 96.0)
)
METHODS = {
    "darktable default": Method(develop, (DEFAULT,), PROGRAM),
    "darktable best": Method(develop, GRID, PROGRAM),
}
