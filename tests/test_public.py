import re
import tomllib
import types
from pathlib import Path

import darkroom

ROOT = Path(__file__).parents[1]


def test_the_public_names_are_sorted_and_complete() -> None:
    public = {
        name
        for name, value in vars(darkroom).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert darkroom.__all__ == sorted(darkroom.__all__)
    assert set(darkroom.__all__) == public | {"__version__"}


def test_the_newest_change_is_of_this_version_or_unreleased() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([^\]\s]+)", text, re.MULTILINE)
    assert headings[0] in {"Unreleased", darkroom.__version__}
    assert len(set(headings)) == len(headings)


def test_the_version_is_written_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "darkroom/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", darkroom.__version__)


def test_type_checkers_may_use_the_annotations() -> None:
    assert (Path(darkroom.__file__).parent / "py.typed").exists()
