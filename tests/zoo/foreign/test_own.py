from dataclasses import replace

import pytest
import torch

from darkroom.errors import EnvironmentProblem
from darkroom.zoo.foreign.layouts import recognised
from darkroom.zoo.foreign.own import as_model
from darkroom.zoo.foreign.recognised import Recognised
from tests.zoo.foreign.checkpoints import lively, pictures, pmrid_names, sid_names


@pytest.fixture
def found() -> Recognised:
    found = recognised(sid_names(lively("raw-unet")))
    assert found is not None
    return found


def test_a_card_and_a_network_that_fit(found: Recognised) -> None:
    card, network = as_model(found, "night", licence="MIT", recipe={"imported": {}})
    assert (card.name, card.network, card.licence) == ("night", "raw-unet", "MIT")
    assert (card.halo, card.multiple_of) == (112, 16)
    assert (card.output_space, card.clip, card.noise_map) == ("raw-planes", True, False)
    assert torch.equal(pictures(network), pictures(lively("raw-unet")))


def test_pmrid_is_told_the_noise() -> None:
    found = recognised(pmrid_names(lively("pmrid")))
    assert found is not None
    card, _ = as_model(found, "phone", licence="", recipe={})
    assert (card.output_space, card.clip, card.noise_map) == ("raw-planes", False, True)
    assert card.config == {"width": 4, "blocks": [1, 2, 1, 1]}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e5])
def test_values_that_cannot_be_kept_are_refused(found: Recognised, value: float) -> None:
    found.tensors["head.bias"][0] = value
    with pytest.raises(EnvironmentProblem, match=r"head\.bias"):
        as_model(found, "night", licence="", recipe={})


def test_wrong_shapes_are_named(found: Recognised) -> None:
    found.tensors["decoder.1.first.weight"] = torch.ones(2, 2, 3, 3)
    with pytest.raises(EnvironmentProblem, match=r"decoder\.1\.first\.weight has shape"):
        as_model(found, "night", licence="", recipe={})


def test_networks_beyond_measure_are_refused(found: Recognised) -> None:
    with pytest.raises(EnvironmentProblem, match="beyond all measure"):
        as_model(replace(found, config={"width": 5000}), "night", licence="", recipe={})


def test_empty_tensors_are_refused(found: Recognised) -> None:
    found.tensors["encoder.0.first.weight"] = torch.ones(0, 4, 3, 3)
    with pytest.raises(EnvironmentProblem, match=r"encoder\.0\.first\.weight holds nothing"):
        as_model(found, "night", licence="", recipe={})
