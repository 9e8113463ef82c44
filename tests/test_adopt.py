import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor

from darkroom.adopt import Adopted, AdoptSettings, adopt, name_from, origin
from darkroom.errors import EnvironmentProblem, FileProblem, UsageProblem
from darkroom.networks import Network
from darkroom.zoo.foreign.worker import GOOD, answer
from darkroom.zoo.weights import build_network, load_weights
from tests.zoo.foreign.checkpoints import (
    cydonia,
    lively,
    pictures,
    pmrid_names,
    sid_names,
    tensorflow,
    write_bundle,
)


def in_this_process(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as file:
        told = answer([file])
    if told[:1] != GOOD:
        raise EnvironmentProblem(f"{path}: {told[1:].decode()}")
    return safetensors.torch.load(told[1:])


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of models; checkpoints are read in this process, which is quicker."""
    monkeypatch.setattr("darkroom.zoo.foreign.apart.read_checkpoint", in_this_process)
    folder = tmp_path / "models"
    monkeypatch.setattr("darkroom.adopt.folders", lambda: iter([folder]))
    monkeypatch.setattr("darkroom.zoo.find.folders", lambda: iter([folder, tmp_path / "shipped"]))
    return folder


def again(adopted: Adopted) -> Network:
    return build_network(load_weights(adopted.path), device="cpu")


@pytest.mark.parametrize(
    ("names", "network"),
    [
        (sid_names, lively("unet")),
        (sid_names, lively("unet", upsampling_bias=True)),
        (sid_names, lively("raw-unet", upsampling_bias=True)),
        (cydonia, lively("unet")),
        (pmrid_names, lively("pmrid")),
    ],
)
def test_the_model_gives_the_pictures_of_the_checkpoint(
    names: Callable[[Network], dict[str, Tensor]], network: Network, tmp_path: Path, models: Path
) -> None:
    torch.save({"state_dict": names(network)}, tmp_path / "theirs.pth")
    adopted = adopt(tmp_path / "theirs.pth", AdoptSettings())
    assert adopted.path == models / "theirs.safetensors"
    assert torch.allclose(pictures(again(adopted)), pictures(network), atol=1e-5)


def test_the_model_gives_the_pictures_of_tensorflow(tmp_path: Path) -> None:
    network = lively("unet")
    write_bundle(tmp_path / "model.ckpt", tensorflow(network))
    adopted = adopt(tmp_path / "model.ckpt", AdoptSettings(name="sid", folder=tmp_path / "out"))
    assert adopted.path == tmp_path / "out" / "sid.safetensors"
    assert torch.allclose(pictures(again(adopted)), pictures(network), atol=1e-5)
    assert adopted.card.output_space == "srgb"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save(sid_names(lively("unet")), tmp_path / "theirs.pth")
    return tmp_path / "theirs.pth"


def test_the_card_says_where_it_comes_from(checkpoint: Path, models: Path) -> None:
    card = load_weights(adopt(checkpoint, AdoptSettings(licence="MIT")).path).card
    assert card.licence == "MIT"
    assert card.recipe["imported"] == origin(checkpoint, "") | {
        "layout": "Learning to See in the Dark, PyTorch port with conv10_1"
    }
    assert str(checkpoint.parent) not in json.dumps(card.recipe)
    assert "not stated" in adopt(checkpoint, AdoptSettings(name="other")).card.licence


def test_a_model_that_fails_its_trial_is_not_kept(checkpoint: Path, models: Path) -> None:
    tried = []

    def refuse(model: Path) -> None:
        tried.append(load_weights(model).card.name)
        raise EnvironmentProblem("no good")

    with pytest.raises(EnvironmentProblem, match="no good"):
        adopt(checkpoint, AdoptSettings(), refuse)
    assert tried == ["theirs"]
    assert not models.exists()


def test_a_model_that_is_there_stays(checkpoint: Path, models: Path) -> None:
    adopt(checkpoint, AdoptSettings())
    before = (models / "theirs.safetensors").read_bytes()
    torch.save(pmrid_names(lively("pmrid")), checkpoint)
    with pytest.raises(UsageProblem, match="--overwrite"):
        adopt(checkpoint, AdoptSettings())
    assert (models / "theirs.safetensors").read_bytes() == before
    assert adopt(checkpoint, AdoptSettings(overwrite=True)).card.network == "pmrid"


def test_a_name_that_another_model_has_is_refused(checkpoint: Path, models: Path) -> None:
    adopt(checkpoint, AdoptSettings(name="taken", folder=models.parent / "shipped"))
    with pytest.raises(UsageProblem, match="another model already"):
        adopt(checkpoint, AdoptSettings(name="taken"))


@pytest.mark.parametrize("name", ["../x", "Upper", "a..b", "x" * 65])
def test_names_that_are_none_are_refused(name: str, checkpoint: Path, models: Path) -> None:
    with pytest.raises(UsageProblem, match="--name"):
        adopt(checkpoint, AdoptSettings(name=name))


def test_what_is_not_known_is_an_error(tmp_path: Path, models: Path) -> None:
    torch.save({"conv_first.weight": torch.ones(2, 3)}, tmp_path / "odd.pth")
    with pytest.raises(EnvironmentProblem, match=r"conv_first\.weight \[2, 3\]"):
        adopt(tmp_path / "odd.pth", AdoptSettings())
    assert not models.exists()


def test_a_folder_that_cannot_be_written_is_an_error(checkpoint: Path, models: Path) -> None:
    with pytest.raises(FileProblem):
        adopt(checkpoint, AdoptSettings(folder=checkpoint))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("model.ckpt.data-00000-of-00001", "model"),
        ("SID_Sony (2).pth", "sid_sony-2"),
        ("torch_pretrained.ckp", "torch_pretrained"),
        ("v1.2.pth", "v1-2"),
        ("модель.pth", ""),
    ],
)
def test_names_are_made_of_files(file: str, name: str) -> None:
    assert name_from(Path(file)) == name
