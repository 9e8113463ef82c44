"""Where weights are: a file, a folder the user names, the user's own models, the shipped ones.

A name can only mean a file that really lies in one of the folders: no `..`, no link to elsewhere.
Whoever wants another file names it by its path.
"""

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
    for path in candidates():
        if not objection(path):
            found.setdefault(path.name.removesuffix(SUFFIX), path)
    return found


def refused() -> dict[Path, str]:
    """Return the weights files in the folders that no name can mean, and why."""
    return {path: reason for path in candidates() if (reason := objection(path))}


def candidates() -> Iterator[Path]:
    """Yield everything in the folders that is named like a weights file."""
    for folder in folders():
        yield from sorted(folder.glob(f"*{SUFFIX}"))


def objection(path: Path) -> str:
    """Return why a file of a models folder cannot be asked for by name; "" if it can."""
    if not is_model_name(path.name.removesuffix(SUFFIX)):
        return "a model's name has a-z, 0-9 and single . _ - only, 64 characters at most"
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):  # a loop of links is a RuntimeError before Python 3.13
        return "its link leads nowhere"
    if real.parent != path.parent.resolve():
        return f"its link leads out of {path.parent}; give the path of the file itself"
    return ""


def is_model_name(name: str) -> bool:
    """Whether a text can name a model.

    >>> is_model_name("fast-unet"), is_model_name("../fast-unet"), is_model_name("a..b")
    (True, False, False)
    """
    return NAME.fullmatch(name) is not None and ".." not in name


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
    if model in known:
        return known[model]
    for outside, reason in refused().items():
        if outside.name == f"{model}{SUFFIX}":
            raise EnvironmentProblem(f"{outside} cannot be used by name: {reason}")
    names = ", ".join(known) or "none installed"
    raise EnvironmentProblem(f"no model called {model!r}; known: {names}")
