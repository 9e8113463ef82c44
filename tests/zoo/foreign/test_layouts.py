import pytest
import torch

from darkroom.zoo.foreign.layouts import recognised
from tests.zoo.foreign.checkpoints import cydonia, lively, pmrid_names, sid_names


@pytest.mark.parametrize(
    ("names", "network"), [(sid_names, "unet"), (cydonia, "unet"), (pmrid_names, "pmrid")]
)
def test_a_network_is_told_by_its_tensors(names: object, network: str) -> None:
    assert callable(names)
    found = recognised(names(lively(network)))
    assert found is not None
    assert found.network == network


def test_nothing_is_taken_for_something() -> None:
    assert recognised({}) is None
    assert recognised({"conv_first.weight": torch.ones(3, 3)}) is None
