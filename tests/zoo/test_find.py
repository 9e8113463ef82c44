from pathlib import Path

import pytest

from darkroom.errors import EnvironmentProblem
from darkroom.zoo import find
from darkroom.zoo.weights import verify


def test_a_named_folder_comes_first(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_MODELS", str(tiny.parent))
    assert find.locate("tiny") == tiny
    assert "tiny" in find.available()


def test_a_path_is_taken_as_it_is(tiny: Path) -> None:
    assert find.locate(str(tiny)) == tiny
    with pytest.raises(EnvironmentProblem, match="no such weights file"):
        find.locate("nowhere/x.safetensors")


@pytest.mark.parametrize("name", ["unheard-of", "../tiny", "a/b", ""])
def test_an_unknown_name_lists_the_known_ones(
    name: str, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_MODELS", str(tiny.parent))
    with pytest.raises(EnvironmentProblem, match="tiny"):
        find.locate(name)


def test_the_default_model_ships_and_is_whole() -> None:
    card = verify(find.locate(find.DEFAULT))
    assert card.name == find.DEFAULT
    assert card.licence
    assert card.data


def test_every_shipped_model_is_named_as_its_file() -> None:
    for name, path in find.available().items():
        assert verify(path).name == name
