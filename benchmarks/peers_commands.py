"""Run another program over many DNGs in one call, and read its pictures back."""

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
from dark_frames import Srgb

from darkroom.picture.load import load_picture

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)  # TIFFs have private tags

# What one call is told: the folder with the DNGs, the folder for pictures, one for its own files.
MakeCommand = Callable[[list[Path], Path, Path], list[str]]


def run_over(dngs: list[Path], make_command: MakeCommand, suffix: str = ".tif") -> Iterator[Srgb]:
    """Yield what a program makes of every DNG, in order.

    The program sees links in a folder of its own, so that it can leave sidecars nowhere else,
    has a home of its own, and runs on one thread.

    Raises:
        RuntimeError: the program failed.
    """
    with tempfile.TemporaryDirectory() as temporary:
        inputs, pictures, home = (Path(temporary) / name for name in ("in", "out", "home"))
        for folder in (inputs, pictures, home):
            folder.mkdir()
        links = [inputs / dng.name for dng in dngs]
        for link, dng in zip(links, dngs, strict=True):
            link.symlink_to(dng)
        run(make_command(links, pictures, home), home)
        for link in links:
            yield load_picture(pictures / (link.stem + suffix))


def run(command: list[str], home: Path) -> None:
    """Run a program quietly on one thread."""
    places = {"HOME": home, "XDG_CONFIG_HOME": home, "RT_SETTINGS": home / "rt", "RT_CACHE": home}
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    environment["OMP_NUM_THREADS"] = "1"
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-5:])
        raise RuntimeError(f"{command[0]} failed with {done.returncode}:\n{said}")
