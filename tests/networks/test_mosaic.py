import numpy as np
import torch

from darkroom.camera.bayer import pack, unpack
from darkroom.networks.mosaic import as_mosaic


def test_is_what_unpacking_gives() -> None:
    planes = torch.rand(2, 4, 3, 5)
    mosaics = as_mosaic(planes)
    assert mosaics.shape == (2, 1, 6, 10)
    for one, mosaic in zip(planes.numpy(), mosaics.numpy(), strict=True):
        np.testing.assert_array_equal(mosaic[0], unpack(one))
        np.testing.assert_array_equal(pack(mosaic[0]), one)
