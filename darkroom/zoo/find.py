"""Where weights are: a file, a folder the user names, the user's own models, the shipped ones."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from darkroom.errors import EnvironmentProblem

SUFFIX = ".safetensors"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
DEFAULT = "fast-unet"


def folders() -> Iterator[Path]:
    """Yield the folders searched for weights, the most particular first.

    These are $DARKROOM_MODELS, the user's data folder, the installed package's own weights, and
    the repository's `models` folder, which an editable install has instead.
    """
    if named := os.environ.get("DARKROOM_MODELS"):
        yield Path(named)
    yield Path(platformdirs.user_data_dir("darkroom")) / "models"
    package = Path(__file__).resolve().parents[1]
    yield package / "_models"
    yield package.parent / "models"


def available() -> dict[str, Path]:
    """Return every model that can be asked for by name, and its file."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            found.setdefault(path.name.removesuffix(SUFFIX), path)
    return found


def locate(model: str) -> Path:
    """Return the weights file of a model given by name or by path.

    Raises:
        EnvironmentProblem: there is no such model; the message lists the known ones.
    """
    path = Path(model)
    if path.suffix == SUFFIX:
        if path.is_file():
            return path
        raise EnvironmentProblem(f"{model}: no such weights file")
    known = available()
    if NAME.fullmatch(model) and model in known:
        return known[model]
    names = ", ".join(known) or "none installed"
    raise EnvironmentProblem(f"no model called {model!r}; known: {names}")
