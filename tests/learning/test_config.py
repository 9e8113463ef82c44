from pathlib import Path

import pytest

from darkroom.errors import UsageProblem
from darkroom.learning.config import load_config


def write(folder: Path, text: str) -> Path:
    path = folder / "train.toml"
    path.write_text(text)
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = load_config(
        write(tmp_path, '[data]\nphotos = ["clean", "/abs"]\n[training]\nsteps = 5\n')
    )
    assert config.data.photos == (tmp_path / "clean", Path("/abs"))
    assert config.training.steps == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps = ", "not a TOML file"),
        ("[training]\nsteps = 0\n", "training.steps"),
        ("[training]\nsteps = 5\nbach = 3\n", "training.bach"),
        ("", "training"),
        ("[training]\nsteps = 5\npatch = 100\n", "training.patch"),
        ('[model]\nname = "../x"\n[training]\nsteps = 5\n', "model.name"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        load_config(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="no such configuration"):
        load_config(tmp_path / "none.toml")


def test_what_a_file_leaves_open_can_be_told(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, '[model]\nname = "x"\n[training]\nsteps = 5\n'))
    assert config.model.model_fields_set == {"name"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[noise]\nratio = [0, 300]\n[training]\nsteps = 5\n", "noise.ratio"),
        ("[noise]\niso = [800, 400]\n[training]\nsteps = 5\n", "noise.iso"),
        ("[training]\nsteps = 5\nseed = -1\n", "training.seed"),
    ],
)
def test_impossible_numbers_are_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        load_config(write(tmp_path, text))


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        load_config(tmp_path)
