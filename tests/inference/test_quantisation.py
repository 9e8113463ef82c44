from functools import cache

import numpy as np
import pytest

from darkroom.errors import UsageProblem
from darkroom.inference.conversion import convert
from darkroom.inference.engine import FloatArray
from darkroom.inference.graph import Graph
from darkroom.inference.intermediate import marked_layers
from darkroom.inference.openvino_engine import core, make_openvino_engine, model_of
from darkroom.inference.quantisation import LEAST, Range, quantisable, quantised, range_of
from darkroom.networks import FROM_NIR, NETWORKS
from tests.inference.test_conversion import lively

NOISE = np.full(8, 1e-3, np.float32)


def planes(channels: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((channels, 64, 64), np.float32)


@cache
def graphs(name: str) -> tuple[Graph, Graph]:
    """Return the graph of a small network, and the quantised one."""
    channels = 1 if name in FROM_NIR else 4
    graph = convert(lively(name), channels=channels)
    return graph, quantised(graph, [(planes(channels, seed), NOISE) for seed in (1, 2)])


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - {"l3"}))
def test_every_network_stays_close_to_itself(name: str) -> None:
    graph, rounded = graphs(name)
    assert rounded.is_quantised
    assert rounded.multiple_of == graph.multiple_of
    assert marked_layers(rounded.xml) == marked_layers(graph.xml)
    channels = 1 if name in FROM_NIR else 4
    exact = make_openvino_engine(graph, precision="fp32").run(planes(channels), NOISE)
    picture = make_openvino_engine(rounded).run(planes(channels), NOISE)
    deviation = np.sqrt(np.mean((picture - exact) ** 2))
    assert 0 < deviation < 0.1 * exact.std()


def test_a_network_without_convolutions_is_refused() -> None:
    graph = convert(lively("l3"), channels=1)
    with pytest.raises(UsageProblem, match="--precision auto"):
        quantised(graph, [(planes(1), NOISE)])


def test_what_sees_the_planes_and_what_makes_the_picture_is_left_alone() -> None:
    graph, rounded = graphs("fast-unet")
    names = [
        node.get_friendly_name() for node in quantisable(model_of(graph), marked_layers(graph.xml))
    ]
    parts = "entry", "detail", "head"
    assert not [name for name in names if any(f".{part}/" in name for part in parts)]
    assert [name for name in names if ".up.0/" in name]
    assert len(names) == 4 + 1 + 2 + 1 + 1  # residual blocks, down, bottom, up, rise
    nodes = [node.get_type_name() for node in model_of(rounded).get_ops()]
    assert nodes.count("FakeQuantize") == 2 * len(names)  # each input and its weights
    assert quantisable(model_of(rounded), marked_layers(rounded.xml)) == []


def test_the_kernels_compute_in_eight_bits() -> None:
    if "INT8" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor computes no int8")
    graph, rounded = graphs("fast-unet")
    model = model_of(rounded)
    model.reshape(dict(zip(model.inputs, [[1, 4, 64, 64], [1, 8]], strict=True)))
    ready = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kernels = [
        str(node.get_rt_info()["runtimePrecision"].astype(str))
        for node in ready.get_runtime_model().get_ops()
        if str(node.get_rt_info()["layerType"].astype(str)) in {"Convolution", "Deconvolution"}
    ]
    many = len(quantisable(model_of(graph), marked_layers(graph.xml)))
    assert sum(kind in {"i8", "u8"} for kind in kernels) == many
    assert kernels.count("f32") >= 1  # the head


def test_fine_steps_are_kept() -> None:
    _, rounded = graphs("fast-unet")
    picture = make_openvino_engine(rounded).run(planes(4), NOISE)
    assert len(np.unique(picture)) > 0.9 * picture.size


def test_ranges_come_from_the_samples() -> None:
    graph, _ = graphs("fast-unet")
    bright, dim = 4 * planes(4), planes(4)
    exact = make_openvino_engine(graph, precision="fp32").run(bright, NOISE)
    deviations = [
        np.abs(make_openvino_engine(quantised(graph, [(seen, NOISE)])).run(bright, NOISE) - exact)
        for seen in (bright, dim)
    ]
    assert deviations[0].mean() < deviations[1].mean()  # what was never seen is cut off


def test_the_largest_numbers_and_the_zeros_do_not_count() -> None:
    values = np.concatenate([np.zeros(100_000), np.linspace(0, 1, 100_001), [1000]])
    found = range_of(values.astype(np.float32))
    assert found.limit == pytest.approx(1, abs=1e-3)
    assert not found.is_signed
    assert range_of(-values.astype(np.float32)) == Range(found.limit, is_signed=True)
    assert range_of(np.zeros((2, 3), np.float32)) == Range(LEAST, is_signed=False)


@pytest.mark.parametrize("is_signed", [False, True])
def test_zero_stays_zero(is_signed: bool) -> None:
    lowest, highest = Range(3.7, is_signed).ends()
    step = (highest - lowest) / 255
    assert -lowest / step == pytest.approx(128 if is_signed else 0, abs=1e-4)
    assert highest == np.float32(3.7)


def test_a_range_holds_all_that_was_seen() -> None:
    both = Range(2.0, is_signed=False).widened(Range(1.0, is_signed=True))
    assert both == Range(2.0, is_signed=True)
