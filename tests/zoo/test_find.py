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


@pytest.mark.parametrize("name", ["unheard-of", "../tiny", "a/b", "", "ti\0ny", "..", "/tiny"])
def test_an_unknown_name_lists_the_known_ones(
    name: str, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_MODELS", str(tiny.parent))
    with pytest.raises(EnvironmentProblem, match="tiny"):
        find.locate(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that is searched."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(find, "folders", lambda: iter([folder]))
    return folder


@pytest.mark.parametrize("target", ["../tiny.safetensors", "nowhere", "link.safetensors"])
def test_a_link_that_leaves_the_folder_has_no_name(target: str, tiny: Path, folder: Path) -> None:
    link = folder / "link.safetensors"
    link.symlink_to(target)
    assert find.available() == {}
    assert list(find.refused()) == [link]
    with pytest.raises(EnvironmentProblem, match="cannot be used by name"):
        find.locate("link")


def test_a_link_within_the_folder_is_another_name(tiny: Path, folder: Path) -> None:
    tiny.rename(folder / "tiny.safetensors")
    (folder / "alias.safetensors").symlink_to("tiny.safetensors")
    assert set(find.available()) == {"tiny", "alias"}


def test_a_folder_may_itself_be_a_link(
    tiny: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.rename(folder / "tiny.safetensors")
    alias = folder.parent / "alias"
    alias.symlink_to(folder)
    monkeypatch.setattr(find, "folders", lambda: iter([alias]))
    assert find.locate("tiny") == alias / "tiny.safetensors"


@pytest.mark.parametrize("name", ["Upper", "a b", "a..b", "-x", "é", "x" * 65])
def test_a_file_with_another_kind_of_name_is_left_out(name: str, folder: Path) -> None:
    (folder / f"{name}.safetensors").touch()
    assert find.available() == {}
    assert len(find.refused()) == 1


def test_the_default_model_ships_and_is_whole() -> None:
    card = verify(find.locate(find.DEFAULT))
    assert card.name == find.DEFAULT
    assert card.licence
    assert card.data


def test_every_shipped_model_is_named_as_its_file() -> None:
    for name, path in find.available().items():
        assert verify(path).name == name
