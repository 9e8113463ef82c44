from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from darkroom.inference.ascents import one_after_the_other
from darkroom.inference.conversion import convert
from darkroom.inference.openvino_engine import make_openvino_engine, model_of

RNG = np.random.default_rng(0)
PLANES = RNG.random((4, 12, 16), np.float32)
NOISE = np.zeros(8, np.float32)
Use = Callable[["Ascending", Tensor], Tensor]


class Ascending(nn.Module):
    """What is done to planes is said from outside."""

    multiple_of, halo, bytes_per_pixel = 2, 0, 1

    def __init__(self, use: Use) -> None:
        super().__init__()
        self.down = nn.Conv2d(4, 6, 2, stride=2)
        self.up = nn.ConvTranspose2d(6, 5, 2, stride=2, bias=False)
        self.twin_up = nn.ConvTranspose2d(6, 3, 2, stride=2, bias=False)
        self.padded_up = nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1, bias=False)
        self.biased_up = nn.ConvTranspose2d(6, 5, 2, stride=2)
        self.three = nn.Conv2d(9, 3, 3, padding=1)
        self.one = nn.Conv2d(9, 3, 1)
        self.five = nn.Conv2d(9, 3, (3, 5), padding=(0, 2))
        self.strided = nn.Conv2d(9, 3, 3, padding=1, stride=2)
        self.dilated = nn.Conv2d(9, 3, 3, padding=2, dilation=2)
        self.more = nn.Conv2d(14, 3, 3, padding=1)
        self.alone = nn.Conv2d(8, 3, 3)
        self.last = nn.Conv2d(3, 3, 3, padding=1)
        self.use = use

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return self.last(F.leaky_relu(self.use(self, planes), 0.2))


def joined(*features: Tensor) -> Tensor:
    return torch.cat(features, 1)


def read_twice(net: Ascending, x: Tensor) -> Tensor:
    """Needs what is side by side for two convolutions."""
    both = joined(net.up(net.down(x)), x)
    return net.three(both) + net.one(both)


def enlarged_for_two(net: Ascending, x: Tensor) -> Tensor:
    """Needs enlarged features beside others, and by themselves."""
    larger = net.up(net.down(x))
    return net.three(joined(larger, x)) * larger.mean()


IN_ONE: dict[str, tuple[Use, int]] = {  # and how many transposed convolutions it has
    "3x3": (lambda net, x: net.three(joined(net.up(net.down(x)), x)), 1),
    "1x1": (lambda net, x: net.one(joined(net.up(net.down(x)), x)), 1),
    "of two sizes": (
        lambda net, x: F.pad(net.five(joined(net.up(net.down(x)), x)), (0, 0, 1, 1)),
        1,
    ),
    "the others first": (lambda net, x: net.three(joined(x, net.up(net.down(x)))), 1),
    "others on both sides": (
        lambda net, x: net.more(joined(x, net.up(net.down(x)), x[:, :1], x)),
        1,
    ),
    "nothing but enlarged features": (
        lambda net, x: F.pad(
            net.alone(joined(net.up(net.down(x)), net.twin_up(net.down(x)))), (1, 1, 1, 1)
        ),
        2,
    ),
}
AS_THEY_ARE: dict[str, Use] = {
    "with a bias": lambda net, x: net.three(joined(net.biased_up(net.down(x)), x)),
    "with padding": lambda net, x: net.three(joined(net.padded_up(net.down(x)), x)),
    "in steps": lambda net, x: F.interpolate(
        net.strided(joined(net.up(net.down(x)), x)), scale_factor=2, mode="nearest"
    ),
    "with gaps": lambda net, x: net.dilated(joined(net.up(net.down(x)), x)),
    "read by two": read_twice,
    "needed elsewhere": enlarged_for_two,
    "changed in between": lambda net, x: net.three(joined(F.relu(net.up(net.down(x))), x)),
}


def converted(use: Use, *, for_int8: bool = False) -> tuple[Counter[str], np.ndarray, np.ndarray]:
    """The nodes of the converted network, its picture, and torch's."""
    torch.manual_seed(0)
    network = Ascending(use).eval().requires_grad_(False)
    graph = convert(network, channels=4, for_int8=for_int8)
    kinds = Counter(node.get_type_name() for node in model_of(graph).get_ops())
    picture = make_openvino_engine(graph, precision="fp32").run(PLANES, NOISE)
    expected = network(torch.from_numpy(PLANES)[None], torch.from_numpy(NOISE)[None])
    return kinds, picture, expected[0].numpy()


@pytest.mark.parametrize("name", IN_ONE)
def test_enlarged_features_are_not_put_beside_others(name: str) -> None:
    use, transposed = IN_ONE[name]
    kinds, picture, expected = converted(use)
    assert kinds["ConvolutionBackpropData"] == transposed
    assert kinds["Concat"] == (name == "others on both sides")
    assert np.allclose(picture, expected, atol=1e-6)


@pytest.mark.parametrize("name", AS_THEY_ARE)
def test_what_would_not_be_the_same_stays(name: str) -> None:
    kinds, picture, expected = converted(AS_THEY_ARE[name])
    assert (kinds["ConvolutionBackpropData"], kinds["Concat"]) == (1, 1)
    assert np.allclose(picture, expected, atol=1e-6)


def test_the_way_up_stays_where_it_is_going_to_be_in_int8() -> None:
    kinds, _, _ = converted(IN_ONE["3x3"][0], for_int8=True)
    assert kinds["Concat"] == 1


def test_two_kernels_in_a_row_are_one() -> None:
    enlarging, following = (
        RNG.random((2, 3, 2, 2), np.float32),
        RNG.random((4, 3, 3, 3), np.float32),
    )
    features = torch.from_numpy(RNG.random((1, 2, 5, 6), np.float32))
    weights = one_after_the_other(enlarging, following)
    larger = F.conv_transpose2d(features, torch.from_numpy(enlarging), stride=2)
    expected = F.conv2d(larger, torch.from_numpy(following), padding=1)
    once = F.conv_transpose2d(features, torch.from_numpy(weights), stride=2, padding=1)
    assert weights.shape == (2, 4, 4, 4)
    assert torch.allclose(once, expected, atol=1e-5)
