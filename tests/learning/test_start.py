from pathlib import Path

import pytest
import torch

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.learning.config import ModelSection, load_config
from darkroom.learning.start import completed, encoder_parts, starting_network
from darkroom.networks import FROM_MOSAIC
from darkroom.zoo.card import Card
from darkroom.zoo.weights import load_weights, save_weights
from tests.conftest import SMALL as SIZES

SMALL: dict[str, object] = {"width": 4, "blocks": [1], "bottom": 1, "detail": 4}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The weights of a small network whose values are exact in half precision."""
    torch.manual_seed(0)
    network = FROM_MOSAIC["fast-unet"](**SMALL).half().float()
    path = tmp_path / "small.safetensors"
    card = Card(name="small", network="fast-unet", config=SMALL, halo=64, multiple_of=16)
    save_weights(path, card, network)
    return path


def picture(network: torch.nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return network(torch.rand(1, 4, 16, 16, generator=generator), torch.full((1, 8), 1e-3))


def test_starts_with_the_weights_of_the_file(small: Path) -> None:
    first, again = (starting_network(ModelSection(config=SMALL, init=small)) for _ in range(2))
    assert torch.equal(picture(first), picture(again))
    assert all(parameter.requires_grad for parameter in first.parameters())


def test_a_grown_network_begins_as_the_smaller_one(small: Path) -> None:
    same = starting_network(ModelSection(config=SMALL, init=small))
    grown = starting_network(ModelSection(config={**SMALL, "blocks": [3], "bottom": 2}, init=small))
    assert sum(1 for _ in grown.parameters()) > sum(1 for _ in same.parameters())
    assert torch.equal(picture(same), picture(grown))
    picture(grown).mean().backward()
    new = grown.get_parameter("encoder.0.2.second.weight")
    assert new.grad is not None
    assert new.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("network", "config", "words"),
    [
        ("unet", {"width": 2}, "holds a fast-unet"),
        ("fast-unet", {**SMALL, "width": 8}, "does not fit"),
        ("fast-unet", {**SMALL, "blocks": [1, 1]}, "does not fit"),
        ("fast-unet", {**SMALL, "bottom": 0}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_named(
    small: Path, network: str, config: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageProblem, match=words):
        starting_network(ModelSection(network=network, config=config, init=small))


def save(path: Path, network: str, config: dict[str, object], **facts: object) -> Path:
    built = FROM_MOSAIC[network](**config)
    card = Card(name="x", network=network, config=config, halo=64, multiple_of=16, **facts)
    save_weights(path, card, built)
    return path


def test_what_is_left_open_comes_from_the_card(small: Path, tmp_path: Path) -> None:
    model = completed(ModelSection(init=small))
    assert (model.network, model.config) == ("fast-unet", SMALL)
    sid = {"input_space": "planes", "output_space": "srgb", "clip": True}
    unet = save(tmp_path / "u.safetensors", "unet", {"width": 2, "levels": 3}, **sid)
    model = completed(ModelSection(init=unet))
    assert {name: getattr(model, name) for name in sid} == sid
    kept = completed(ModelSection(init=unet, network="unet", clip=False))
    assert (kept.clip, kept.input_space, kept.config) == (
        False,
        "planes",
        {"width": 2, "levels": 3},
    )
    assert starting_network(kept).head.in_channels == 2
    assert completed(kept) == kept


def test_a_configuration_from_a_file_leaves_open_what_it_does_not_say(
    small: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.toml").write_text('[model]\ninit = "small.safetensors"\n[training]\nsteps = 1\n')
    assert completed(load_config(tmp_path / "t.toml").model).config == SMALL


def test_weights_may_be_named(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_MODELS", str(small.parent))
    assert completed(ModelSection(init=Path("small"))).config == SMALL
    with pytest.raises(EnvironmentProblem, match="no model called"):
        completed(ModelSection(init=Path("nowhere")))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ModelSection(network="magic"), "no network called 'magic'"),
        (ModelSection(config={"wings": 2}), "does not fit network fast-unet"),
        (ModelSection(network="unet", config={"width": "wide"}), "does not fit network unet"),
    ],
)
def test_impossible_networks_are_named(model: ModelSection, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        completed(model)


def test_parts_start_from_weights_of_their_own(tmp_path: Path) -> None:
    size: dict[str, object] = {"width": 2, "levels": 3}
    unet = save(tmp_path / "unet.safetensors", "unet", size)
    model = ModelSection(network="double-unet", config=size, parts={"first": unet})
    first = starting_network(model).get_submodule("first").state_dict()
    assert all(torch.equal(first[k], v.float()) for k, v in load_weights(unet).tensors.items())
    for parts, words in (
        ({"third": unet}, "known: first"),
        ({"second": unet}, "do not fit second"),
    ):
        with pytest.raises(UsageProblem, match=words):
            starting_network(model.model_copy(update={"parts": parts}))


def test_frozen_parts_get_no_gradient() -> None:
    network = starting_network(ModelSection(config=SMALL, freeze=("encoder.0", "entry")))
    picture(network).mean().backward()
    for name, parameter in network.named_parameters():
        frozen = name.startswith(("encoder.0.", "entry."))  # entry_noise goes on learning
        assert parameter.requires_grad != frozen
        assert (parameter.grad is None) == frozen


@pytest.mark.parametrize(
    ("freeze", "words"),
    [(("enc",), "no part called 'enc'; known: entry"), (None, "nothing to learn")],
)
def test_freezing_is_checked(freeze: tuple[str, ...] | None, words: str) -> None:
    if freeze is None:
        names = starting_network(ModelSection(config=SMALL)).named_children()
        freeze = tuple(name for name, child in names if list(child.parameters()))
    with pytest.raises(UsageProblem, match=words):
        starting_network(ModelSection(config=SMALL, freeze=freeze))


@pytest.mark.parametrize("network", FROM_MOSAIC)
def test_every_network_has_an_encoder_to_freeze(network: str) -> None:
    model = ModelSection(network=network, config=SIZES[network])
    parts = encoder_parts(model)
    assert any(part.endswith("encoder") for part in parts)
    starting_network(model.model_copy(update={"freeze": parts}))


def test_the_encoder_of_a_fast_unet_is_its_way_down() -> None:
    assert encoder_parts(ModelSection(config=SMALL)) == ("entry", "entry_noise", "encoder", "down")


def test_weights_that_mean_something_else_are_refused(tmp_path: Path) -> None:
    network = FROM_MOSAIC["unet"](width=2, levels=2)
    path = tmp_path / "plain.safetensors"
    card = Card(
        name="plain", network="unet", config={"width": 2, "levels": 2}, halo=16, multiple_of=2
    )
    save_weights(path, card, network)
    rooted = {"width": 2, "levels": 2, "root": True}
    with pytest.raises(UsageProblem, match="another root"):
        starting_network(ModelSection(network="unet", config=rooted, init=path))
    starting_network(ModelSection(network="unet", config={"width": 2, "levels": 2}, init=path))
