import numpy as np
import pytest

from darkroom.inference.conversion import convert
from darkroom.inference.graph import Graph
from darkroom.inference.intermediate import marked_layers, with_marks, written
from darkroom.inference.openvino_engine import make_openvino_engine, model_of
from darkroom.networks.fast_unet import FastUNet

NOISE = np.full(8, 1e-3, np.float32)


NETWORK = FastUNet(width=4, blocks=(1,), bottom=1, detail=4).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return convert(NETWORK, channels=4)


def test_a_model_that_is_written_is_the_same_network(graph: Graph) -> None:
    xml, weights = written(model_of(graph))
    again = Graph(with_marks(xml, marked_layers(graph.xml)), weights, 4, 1)
    assert marked_layers(again.xml) == marked_layers(graph.xml) != set()
    planes = np.random.default_rng(0).random((4, 16, 16), np.float32)
    for precision in ("fp32", "bf16"):
        first, second = (
            make_openvino_engine(one, precision=precision).run(planes, NOISE)
            for one in (graph, again)
        )
        assert np.array_equal(first, second)


def test_marks_are_put_back_because_openvino_leaves_them_out(graph: Graph) -> None:
    xml, _ = written(model_of(graph))
    assert marked_layers(xml) == set()


def test_a_model_can_be_changed(graph: Graph) -> None:
    from openvino import opset13  # darkroom.inference comes first: it keeps its tools away

    model = model_of(graph)
    last = model.output(0).get_node()
    doubled = opset13.add(last.input_value(0), last.input_value(0))
    last.input(0).replace_source_output(doubled.output(0))
    xml, weights = written(model)
    planes = np.random.default_rng(0).random((4, 8, 8), np.float32)
    once, twice = (
        make_openvino_engine(one, precision="fp32").run(planes, NOISE)
        for one in (graph, Graph(xml, weights, 4, 1))
    )
    assert np.allclose(2 * once, twice)


def test_a_network_is_the_same_bytes_whenever_it_is_converted(graph: Graph) -> None:
    again = FastUNet(width=4, blocks=(1,), bottom=1, detail=4).eval().requires_grad_(False)
    again.load_state_dict(NETWORK.state_dict())
    assert convert(again, channels=4) == graph
