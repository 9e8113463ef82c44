import numpy as np
import openvino
import pytest
import torch

from darkroom.inference import banded_head
from darkroom.inference.banded_head import banded, only_head
from darkroom.inference.conversion import convert
from darkroom.inference.graph import Graph
from darkroom.inference.openvino_engine import core, make_openvino_engine
from darkroom.networks import NETWORKS
from tests.conftest import SMALL

NOISE = np.full(8, 1e-3, np.float32)


def graph_of(name: str) -> Graph:
    torch.manual_seed(0)
    network = NETWORKS[name](**SMALL[name])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return convert(network.eval().requires_grad_(False), channels=4)


def model_of(graph: Graph, rows: int) -> openvino.Model:
    weights = openvino.Tensor(np.frombuffer(graph.weights, np.uint8))
    model = core().read_model(graph.xml, weights)
    model.reshape(dict(zip(model.inputs, ([1, 4, rows, 64], [1, 8]), strict=True)))
    return model


@pytest.mark.parametrize("name", ["fast-unet", "unet", "attention-unet"])
@pytest.mark.parametrize("rows", [50, 64, 90])
def test_bands_are_the_whole(name: str, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of(name)
    planes = np.random.default_rng(0).random((4, rows, 40), np.float32)
    whole = make_openvino_engine(graph, precision="fp32").run(planes, NOISE)
    monkeypatch.setattr(banded_head, "FEWEST_ROWS", 8)
    bands = make_openvino_engine(graph, precision="fp32").run(planes, NOISE)
    assert np.ptp(whole) > 0
    assert np.abs(bands - whole).max() < 1e-5 * np.abs(whole).max()


def test_large_pictures_have_several_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = graph_of("fast-unet")
    assert banded(model_of(graph, 64))[1] == (0, 128)
    monkeypatch.setattr(banded_head, "FEWEST_ROWS", 8)
    model, edges = banded(model_of(graph, 64))
    assert edges == (0, 32, 64, 96, 128)
    assert len(model.outputs) == banded_head.BANDS


def test_half_precision_keeps_fine_steps_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(banded_head, "FEWEST_ROWS", 8)
    planes = np.random.default_rng(0).random((4, 64, 64), np.float32)
    picture = make_openvino_engine(graph_of("fast-unet"), precision="bf16").run(planes, NOISE)
    assert len(np.unique(picture)) > 0.9 * picture.size


def test_pictures_that_need_more_than_one_convolution_stay_whole() -> None:
    assert only_head(model_of(graph_of("fast-unet"), 64)) is not None
    planes = openvino.opset13.parameter([1, 4, 8, 8], np.float32)
    mean = openvino.opset13.reduce_mean(planes, openvino.opset13.constant([2]), keep_dims=True)
    assert only_head(openvino.Model([openvino.opset13.result(mean)], [planes], "mean")) is None
    assert only_head(openvino.Model([openvino.opset13.result(planes)], [planes], "none")) is None
