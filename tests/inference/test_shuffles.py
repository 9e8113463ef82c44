from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.inference.conversion import convert
from darkroom.inference.openvino_engine import make_openvino_engine, model_of

PLANES = np.random.default_rng(0).random((4, 16, 24), np.float32)
NOISE = np.zeros(8, np.float32)
Use = Callable[["Shuffling", Tensor], Tensor]


class Shuffling(nn.Module):
    """What is done to planes is said from outside."""

    multiple_of, halo, bytes_per_pixel = 1, 0, 1

    def __init__(self, use: Use) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 18, 3, padding=1), nn.Conv2d(2, 3, 3, padding=1)
        self.use = use

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return self.use(self, planes)


def kinds_and_pictures(use: Use) -> tuple[Counter[str], np.ndarray, np.ndarray]:
    """The nodes of the converted network, its picture, and torch's."""
    torch.manual_seed(0)
    network = Shuffling(use).eval().requires_grad_(False)
    graph = convert(network, channels=4)
    kinds = Counter(node.get_type_name() for node in model_of(graph).get_ops())
    picture = make_openvino_engine(graph, precision="fp32").run(PLANES, NOISE)
    expected = network(torch.from_numpy(PLANES)[None], torch.from_numpy(NOISE)[None])
    return kinds, picture, expected[0].numpy()


IN_RUNS: dict[str, Use] = {
    "in the middle": lambda net, x: net.second(F.pixel_shuffle(F.relu(net.first(x)), 3)),
    "at the end": lambda net, x: F.pixel_shuffle(net.first(x), 3),
    "before what looks at each value": lambda net, x: F.pixel_shuffle(net.first(x), 3).abs(),
}


def twice(features: Tensor) -> Tensor:
    """Needs features in front of a shuffle and beside it."""
    return F.pixel_shuffle(features, 3) * features.mean()


AS_THEY_ARE: dict[str, Use] = {
    "of planes": lambda _, x: F.pixel_shuffle(x, 2),
    "of what is needed elsewhere": lambda net, x: twice(net.first(x)),
    "of features that were mixed": lambda net, x: F.pixel_shuffle(net.first(x).cumsum(1), 3),
    "of a bias that the planes decide": lambda net, x: F.pixel_shuffle(
        net.first(x) + net.first(x).mean((2, 3), keepdim=True), 3
    ),
}


@pytest.mark.parametrize("name", IN_RUNS)
def test_a_shuffle_that_a_convolution_feeds_copies_runs(name: str) -> None:
    kinds, picture, expected = kinds_and_pictures(IN_RUNS[name])
    assert kinds["DepthToSpace"] == 0
    assert np.allclose(picture, expected, atol=1e-5)


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_other_shuffles_stay_as_they_are(name: str) -> None:
    kinds, picture, expected = kinds_and_pictures(AS_THEY_ARE[name])
    assert kinds["DepthToSpace"] > 0
    assert np.allclose(picture, expected, atol=1e-5)


def test_what_means_one_channel_keeps_it_there() -> None:
    def use(net: Shuffling, x: Tensor) -> Tensor:
        return F.pixel_shuffle(net.first(x), 3) * torch.tensor([1.0, 5.0])[:, None, None]

    _, picture, expected = kinds_and_pictures(use)
    assert np.allclose(picture, expected, atol=1e-5)


def test_an_unshuffle_is_one_node() -> None:
    def use(_: Shuffling, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2)

    kinds, picture, _ = kinds_and_pictures(use)
    assert kinds["SpaceToDepth"] == 1
    assert np.array_equal(picture, PLANES)
