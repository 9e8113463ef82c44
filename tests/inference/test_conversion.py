import numpy as np
import pytest
import torch

from darkroom.inference.conversion import convert, to_compute_exactly
from darkroom.inference.intermediate import marked_layers
from darkroom.inference.openvino_engine import make_openvino_engine, model_of
from darkroom.inference.torch_engine import make_engine
from darkroom.networks import FROM_NIR, NETWORKS, Network
from tests.conftest import SMALL, SMALL_NIR

NOISE = np.full(8, 1e-3, np.float32)
SIZES = {
    **SMALL,
    **SMALL_NIR,
    "pmrid": {"width": 4, "blocks": [1, 1, 1, 1]},
    "raw-unet": {"width": 2, "levels": 3},
}

CHAIN = b"""<net><layers>
<layer id="0" name="Parameter" type="Parameter"/>
<layer id="1" name="Sqrt" type="Sqrt"/>
<layer id="2" name="Convolution" type="Convolution"/>
<layer id="3" name="ReLU" type="ReLU"/>
<layer id="4" name="GroupConvolution" type="GroupConvolution"/>
<layer id="5" name="Multiply" type="Multiply"/>
<layer id="6" name="MatMul" type="MatMul"/>
<layer id="7" name="Const" type="Const"/>
</layers><edges>
<edge from-layer="0" to-layer="1"/><edge from-layer="1" to-layer="2"/>
<edge from-layer="2" to-layer="3"/><edge from-layer="3" to-layer="4"/>
<edge from-layer="4" to-layer="5"/><edge from-layer="0" to-layer="6"/>
<edge from-layer="6" to-layer="5"/><edge from-layer="7" to-layer="5"/>
</edges></net>"""


def lively(name: str) -> Network:
    """A small network of a kind, none of whose layers is still at zero."""
    torch.manual_seed(0)
    network = NETWORKS[name](**SIZES[name])
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    for buffer_name, buffer in network.named_buffers():
        if buffer.is_floating_point() and "running" not in buffer_name:
            torch.nn.init.normal_(buffer, std=0.1)
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(64, 96), (33, 70)])
def test_every_network_gives_what_torch_gives(name: str, shape: tuple[int, int]) -> None:
    network, channels = lively(name), 1 if name in FROM_NIR else 4
    planes = np.random.default_rng(0).random((channels, *shape), np.float32)
    expected = make_engine(network, device="cpu", precision="fp32").run(planes, NOISE)
    graph = convert(network, channels=channels)
    picture = make_openvino_engine(graph, precision="fp32").run(planes, NOISE)
    assert np.ptp(expected) > 0
    assert np.abs(picture - expected).max() < 1e-4 * np.abs(expected).max()
    assert (graph.multiple_of, graph.bytes_per_pixel) == (
        network.multiple_of,
        network.bytes_per_pixel,
    )


def test_the_last_convolutions_and_what_comes_before_the_first_stay_exact() -> None:
    assert to_compute_exactly(CHAIN) == {"Sqrt", "GroupConvolution", "Multiply", "MatMul"}


def test_what_does_not_depend_on_the_planes_is_reckoned_once() -> None:
    model = model_of(convert(lively("fast-unet"), channels=4))
    biases = [node for node in model.get_ops() if node.get_friendly_name().endswith("tion/Add")]
    assert len(biases) > 5
    for bias in biases:
        assert bias.input_value(1).get_node().get_type_name() == "Constant"


def test_a_converted_network_is_marked_so() -> None:
    graph = convert(lively("fast-unet"), channels=4)
    head = {f"__module.head/aten::_convolution/{part}" for part in ("Convolution", "Add")}
    assert head < to_compute_exactly(graph.xml)
    assert marked_layers(graph.xml) == to_compute_exactly(graph.xml) - head
