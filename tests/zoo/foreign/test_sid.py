import pytest
import torch
from torch import Tensor

from darkroom.errors import EnvironmentProblem
from darkroom.networks import NETWORKS, Network
from darkroom.zoo.foreign.recognised import Recognised
from darkroom.zoo.foreign.sid import DEPTH_FIRST, sid_unet
from tests.zoo.foreign.checkpoints import cydonia, lively, pictures, sid_names, tensorflow


def rebuilt(found: Recognised | None) -> Network:
    assert found is not None
    network = NETWORKS[found.network](**found.config).eval()
    network.load_state_dict(found.tensors)
    return network


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ["unet", "raw-unet"])
def test_ports_with_conv10_1(name: str, bias: bool) -> None:
    network = lively(name, upsampling_bias=bias)
    found = sid_unet(sid_names(network))
    assert found is not None
    assert (found.network, found.config.get("upsampling_bias", False)) == (name, bias)
    assert torch.allclose(pictures(rebuilt(found)), pictures(network), atol=1e-5)


def test_the_port_with_conv10() -> None:
    network = lively("unet")
    assert torch.allclose(pictures(rebuilt(sid_unet(cydonia(network)))), pictures(network))


def test_the_tensors_of_tensorflow() -> None:
    network = lively("unet")
    arrays = {k: torch.from_numpy(a.copy()) for k, a in tensorflow(network).items()}
    arrays = {k: a for k, a in arrays.items() if not k.endswith(("Adam", "power"))}
    assert torch.allclose(pictures(rebuilt(sid_unet(arrays))), pictures(network))


def depth_to_space(channels: Tensor) -> Tensor:
    """TensorFlow's operation as it is documented: place by place, each with all colours."""
    picture = torch.empty(3, 2 * channels.shape[1], 2 * channels.shape[2])
    for row in range(2):
        for column in range(2):
            place = 2 * row + column
            picture[:, row::2, column::2] = channels[3 * place : 3 * place + 3]
    return picture


def test_the_orders_of_both_shuffles_agree() -> None:
    channels = torch.rand(12, 3, 5)
    ours = torch.pixel_shuffle(channels[DEPTH_FIRST], 2)
    assert torch.equal(ours, depth_to_space(channels))


def test_the_card_says_what_the_authors_did() -> None:
    picture, planes = (sid_unet(sid_names(lively(name))) for name in ("unet", "raw-unet"))
    assert picture is not None
    assert planes is not None
    shared = {"input_space": "planes", "noise_map": False, "clip": True}
    assert picture.facts == shared | {"output_space": "srgb"}
    assert planes.facts == shared | {"output_space": "raw-planes"}


def test_x_trans_is_refused_in_words() -> None:
    tensors = sid_names(lively("unet"))
    fuji = {**tensors, "conv1_1.weight": torch.ones(2, 9, 3, 3)}
    head = {**tensors, "conv10_1.weight": torch.ones(27, 2, 1, 1)}
    for other in (fuji, head):
        with pytest.raises(EnvironmentProblem, match="X-Trans"):
            sid_unet(other)


def test_other_channels_are_refused_with_their_numbers() -> None:
    tensors = {**sid_names(lively("unet")), "conv10_1.weight": torch.ones(5, 2, 1, 1)}
    with pytest.raises(EnvironmentProblem, match="takes 4 planes and gives 5"):
        sid_unet(tensors)


@pytest.mark.parametrize("change", ["missing", "added", "flat", "doubled"])
def test_other_networks_are_left_to_others(change: str) -> None:
    tensors = sid_names(lively("unet"))
    if change == "missing":
        del tensors["conv3_2.bias"]
    elif change == "added":
        tensors["conv11_1.weight"] = torch.ones(1)
    elif change == "flat":
        tensors["conv3_1.weight"] = torch.ones(4)
    else:
        tensors["conv10.weight"] = tensors["conv10_1.weight"]
    assert sid_unet(tensors) is None
    assert sid_unet({}) is None
