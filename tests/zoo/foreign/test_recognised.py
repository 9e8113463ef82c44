import torch

from darkroom.zoo.foreign.recognised import Recognised


def test_shows_no_tensors_in_errors() -> None:
    found = Recognised("theirs", "unet", {"width": 2}, {"head.bias": torch.ones(3)}, {})
    assert "tensor" not in repr(found)
