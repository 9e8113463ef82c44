import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from darkroom.cli import app

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "make_cli.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_help_says(maker: ModuleType) -> None:
    written = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert written == maker.page(), "run: python docs/make_cli.py"


def test_the_reference_does_not_depend_on_the_terminal(
    maker: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = set()
    for columns in ("40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("FORCE_COLOR", columns)
        pages.add(maker.page())
    assert len(pages) == 1


def test_every_command_is_in_the_reference(maker: ModuleType) -> None:
    named = {command.name for command in app.registered_commands}
    paths = {path for path, _ in maker.helps()}
    assert {f"darkroom {name}" for name in named} <= paths
    assert {"darkroom", "darkroom models", "darkroom models verify"} <= paths
