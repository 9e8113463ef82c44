from collections.abc import Callable

import numpy as np
import openvino
import pytest
import torch
from torch import Tensor, nn

from darkroom.inference.conversion import convert
from darkroom.inference.ending import in_single_precision, last_convolution
from darkroom.inference.graph import Graph
from darkroom.inference.openvino_engine import make_openvino_engine, model_of
from darkroom.inference.quantisation import quantised
from darkroom.networks import NETWORKS
from tests.conftest import SMALL

NOISE = np.full(8, 1e-3, np.float32)
PLANES = np.random.default_rng(0).random((4, 64, 64), np.float32)


def graph_of(name: str, head: float = 0.2) -> Graph:
    """A network whose last convolution has weights of this size."""
    torch.manual_seed(0)
    network = NETWORKS[name](**SMALL[name])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    last = network.second.head if name == "double-unet" else network.head
    torch.nn.init.normal_(last.weight, std=1)
    last.weight.data *= head
    return convert(network.eval().requires_grad_(False), channels=4)


@pytest.mark.parametrize("name", ["fast-unet", "unet", "attention-unet", "double-unet"])
def test_half_precision_keeps_fine_steps(name: str) -> None:
    graph = graph_of(name)
    exact, half = (
        make_openvino_engine(graph, precision=precision).run(PLANES, NOISE)
        for precision in ("fp32", "bf16")
    )
    steps, posterised = len(np.unique(half)), len(np.unique(exact.view(np.uint32) >> 16))
    assert steps > 5 * posterised
    assert steps > 0.4 * len(np.unique(exact))
    assert np.abs(half - exact).max() < 0.05 * np.abs(exact).max()


class Ending(nn.Module):
    """A convolution, and what is done to its features."""

    multiple_of, halo, bytes_per_pixel = 1, 0, 1

    def __init__(self, use: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(4, 32, 3, padding=1), nn.Conv2d(32, 3, 3, padding=1)
        self.use = use

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return self.use(self.last(torch.relu(self.first(planes))))


ENDINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "a step for each value": lambda x: x * x.abs(),
    "a gate of its own": lambda x: x * torch.sigmoid(x),
    "a sum that the planes decide": lambda x: x + x.mean((2, 3), keepdim=True),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_whatever_follows_the_last_convolution_it_keeps_fine_steps(name: str) -> None:
    torch.manual_seed(0)
    graph = convert(Ending(ENDINGS[name]).eval().requires_grad_(False), channels=4)
    exact, half = (
        make_openvino_engine(graph, precision=precision).run(PLANES, NOISE)
        for precision in ("fp32", "bf16")
    )
    assert len(np.unique(half)) > 0.5 * exact.size
    assert np.abs(half - exact).max() < 0.05 * np.abs(exact).max()


def test_the_step_that_keeps_them_changes_nothing() -> None:
    graph = graph_of("fast-unet")
    model = model_of(graph)
    (step,) = (node for node in model.get_ops() if node.get_type_name() == "PRelu")
    for target in list(step.output(0).get_target_inputs()):
        target.replace_source_output(step.input_value(0))
    without = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = next(iter(without([PLANES[None], NOISE[None]]).values()))
    picture = make_openvino_engine(graph, precision="fp32").run(PLANES, NOISE)
    assert np.allclose(np.moveaxis(picture, 0, -1), expected[0], atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_numbers_that_are_none_come_out(precision: str) -> None:
    engine = make_openvino_engine(graph_of("fast-unet", float("nan")), precision=precision)
    assert np.isnan(engine.run(PLANES, NOISE)).all()


def test_pictures_of_more_than_one_convolution_are_left_alone() -> None:
    planes = openvino.opset13.parameter([1, 4, 8, 8], np.float32)
    mean = openvino.opset13.reduce_mean(planes, openvino.opset13.constant([2]), keep_dims=True)
    assert last_convolution(planes.output(0)) is None
    assert in_single_precision(mean.output(0))[1] == set()
    assert last_convolution(model_of(graph_of("fast-unet")).output(0)) is not None


def test_int8_leaves_the_last_convolution_as_it_is() -> None:
    graph = graph_of("fast-unet")
    last = last_convolution(model_of(quantised(graph, [(PLANES, NOISE)])).output(0))
    assert last is not None
    kinds = [last.input_value(place).get_node().get_type_name() for place in (0, 1)]
    assert kinds[0] != "FakeQuantize"
    assert kinds[1] == "Constant"
