from dataclasses import replace

import numpy as np
import pytest
import torch

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference import openvino_engine
from darkroom.inference.conversion import convert
from darkroom.inference.graph import Graph
from darkroom.inference.openvino_engine import OpenvinoEngine, make_openvino_engine, padded
from darkroom.inference.torch_engine import make_engine
from darkroom.networks.fast_unet import FastUNet
from darkroom.networks.padding import pad_to_multiple

NOISE = np.full(8, 1e-3, np.float32)
PLANES = np.random.default_rng(0).random((4, 64, 76), np.float32)


def network() -> FastUNet:
    torch.manual_seed(0)
    return FastUNet(width=16, blocks=(1,), bottom=1, detail=16).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return convert(network(), channels=4)


def test_single_precision_is_the_reference(graph: Graph) -> None:
    for shape in ((50, 76), (64, 64), (7, 9), (1, 1)):
        planes = np.ascontiguousarray(PLANES[:, : shape[0], : shape[1]])
        expected = make_engine(network(), device="cpu", precision="fp32").run(planes, NOISE)
        picture = make_openvino_engine(graph, precision="fp32").run(planes, NOISE)
        assert picture.shape == expected.shape == (3, 2 * shape[0], 2 * shape[1])
        assert picture.dtype == np.float32
        assert np.abs(picture - expected).max() < 1e-5 * max(np.abs(expected).max(), 1)


def test_half_precision_stays_close_and_keeps_fine_steps(graph: Graph) -> None:
    planes = np.random.default_rng(0).random((4, 64, 64), np.float32)
    exact = make_openvino_engine(graph, precision="fp32").run(planes, NOISE)
    half = make_openvino_engine(graph, precision="bf16").run(planes, NOISE)
    assert np.abs(half - exact).max() < 0.02 * np.abs(exact).max()
    assert len(np.unique(half)) > 0.9 * half.size  # a bfloat16 head would leave a few hundred


def test_pictures_are_interleaved_and_their_own(graph: Graph) -> None:
    engine = make_openvino_engine(graph, precision="fp32")
    planes = PLANES[:, :48, :64]
    first = engine.run(planes, NOISE)
    assert first.transpose(1, 2, 0).flags.c_contiguous
    kept = first.copy()
    engine.run(planes + 1, NOISE)
    assert np.array_equal(first, kept)


def test_a_picture_that_need_not_last_is_written_over(graph: Graph) -> None:
    engine = make_openvino_engine(graph, precision="fp32")
    for lasting in (True, False):
        first = engine.run(PLANES, NOISE, lasting=lasting)
        kept, second = first.copy(), engine.run(PLANES + 1, NOISE, lasting=lasting)
        assert not np.array_equal(second, kept)
        assert np.array_equal(first, kept if lasting else second)
    again = engine.run(PLANES, NOISE)
    assert not np.shares_memory(again, second)
    smaller = engine.run(PLANES[:, :48], NOISE, lasting=False)
    assert smaller.shape == (3, 96, 152)


def test_the_precision_can_change_in_the_middle_of_a_run(graph: Graph) -> None:
    engine = make_openvino_engine(graph, precision="bf16")
    engine.run(PLANES, NOISE)
    exact = engine.exactly()
    assert exact.precision == "fp32"
    expected = make_openvino_engine(graph, precision="fp32").run(PLANES, NOISE)
    assert np.array_equal(exact.run(PLANES, NOISE), expected)


def test_the_processor_decides(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    for native, precision in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(openvino_engine, "native_bf16", lambda native=native: native)
        assert make_openvino_engine(graph).precision == precision
        assert make_openvino_engine(graph, precision="fp32").precision == "fp32"


def test_an_int8_engine_goes_back_to_the_graph_it_was_made_of(graph: Graph) -> None:
    rounded = replace(graph, is_quantised=True)
    engine = make_openvino_engine(rounded, exact=lambda: graph)
    assert engine.precision == "int8"
    assert (engine.exactly().graph, engine.exactly().precision) == (graph, "fp32")


def test_what_is_not_int8_is_what_the_processor_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for native, rest in ((True, "bf16"), (False, "f32")):
        monkeypatch.setattr(openvino_engine, "native_bf16", lambda native=native: native)
        types = [openvino_engine.type_of(precision) for precision in ("fp32", "bf16", "int8")]
        assert types == ["f32", "bf16", rest]


def test_half_precision_plans_with_less_memory() -> None:
    graph = Graph(b"", b"", 16, 300)
    exact, half = (OpenvinoEngine(graph, precision) for precision in ("fp32", "bf16"))
    assert half.bytes_per_pixel < exact.bytes_per_pixel < 300


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("std::bad_alloc")])
def test_running_out_of_memory_is_a_problem_of_the_file(
    graph: Graph, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    engine = make_openvino_engine(graph, precision="fp32")
    monkeypatch.setattr(openvino_engine, "made_ready", fail)
    with pytest.raises(FileProblem) as caught:
        engine.run(PLANES, NOISE)
    assert caught.value.code == FailureCode.OOM_HOST
    monkeypatch.undo()
    assert engine.run(PLANES, NOISE).shape == (3, 128, 152)


def test_other_errors_are_bugs(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(openvino_engine, "made_ready", fail)
    with pytest.raises(RuntimeError, match="do not fit"):
        make_openvino_engine(graph, precision="fp32").run(PLANES, NOISE)


@pytest.mark.parametrize("shape", [(5, 7), (16, 16), (1, 1), (17, 40), (3, 30)])
def test_borders_are_those_of_the_networks(shape: tuple[int, int]) -> None:
    planes = np.random.default_rng(1).random((4, *shape), np.float32)
    expected = pad_to_multiple(torch.from_numpy(planes)[None], 16)[0].numpy()
    assert np.array_equal(padded(planes, 16), expected)


def test_as_many_threads_as_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert openvino_engine.threads() == {"INFERENCE_NUM_THREADS": "3"}
    for nothing in ("", "0", "many", "-1"):
        monkeypatch.setenv("OMP_NUM_THREADS", nothing)
        assert openvino_engine.threads() == {}
