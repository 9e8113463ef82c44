import torch

from darkroom.networks.pmrid import PMRID
from darkroom.zoo.foreign.pmrid import pmrid
from tests.zoo.foreign.checkpoints import SMALL, lively, pictures, pmrid_names, sid_names


def test_gives_the_same_pictures() -> None:
    network = lively("pmrid")
    found = pmrid(pmrid_names(network))
    assert found is not None
    assert found.config == SMALL["pmrid"]
    again = PMRID(**found.config).eval()
    again.load_state_dict(found.tensors)
    assert torch.equal(pictures(again), pictures(network))


def test_the_published_size_is_found() -> None:
    with torch.device("meta"):
        found = pmrid(pmrid_names(PMRID()))
    assert found is not None
    assert found.config == {"width": 16, "blocks": [2, 2, 4, 4]}
    assert found.facts["output_space"] == "raw-planes"


def test_names_of_the_authors() -> None:
    names = pmrid_names(PMRID(width=4)).keys()
    assert {"conv0.conv.weight", "enc1.0.conv1.depthwise.weight", "encdec.pointwise.bias"} <= names
    assert {"enc4.3.conv2.pointwise.bias", "dec1.decode_conv.conv1.depthwise.weight"} <= names
    assert {"dec4.upsample.bias", "out0.conv0.pointwise.weight", "out1.conv.bias"} <= names


def test_other_networks_are_left_to_others() -> None:
    tensors = pmrid_names(lively("pmrid"))
    assert pmrid({**tensors, "enc5.0.proj.depthwise.weight": torch.ones(1)}) is None
    assert pmrid({k: t for k, t in tensors.items() if not k.startswith("out1")}) is None
    assert pmrid(sid_names(lively("unet"))) is None
