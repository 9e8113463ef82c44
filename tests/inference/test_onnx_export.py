import builtins
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from darkroom.errors import EnvironmentProblem
from darkroom.inference.engine import FloatArray
from darkroom.inference.onnx_export import OPSET, exported
from darkroom.inference.openvino_engine import core
from darkroom.inference.torch_engine import make_engine
from darkroom.networks import FROM_NIR, NETWORKS
from tests.inference.test_conversion import lively

onnx = pytest.importorskip("onnx")

NOISE = np.full(8, 2e-3, np.float32)


def run(content: bytes, planes: FloatArray) -> FloatArray:
    """Run a model through OpenVINO's own reader of ONNX files."""
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    model = core().compile_model(core().read_model(content), "CPU", exact)
    inputs = {"planes": planes[None], "noise": NOISE[None]}
    known = [name for one in model.inputs for name in one.names if name in inputs]
    picture: FloatArray = model({name: inputs[name] for name in known})["picture"][0]
    return picture


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_its_picture_at_any_size(name: str) -> None:
    network, channels = lively(name), 1 if name in FROM_NIR else 4
    content = exported(network, channels=channels, facts={})
    reference = make_engine(network, device="cpu", precision="fp32")
    for shape in ((64, 64), (96, 160)):
        planes = np.random.default_rng(0).random((channels, *shape), np.float32)
        expected = reference.run(planes, NOISE)
        assert np.ptp(expected) > 0
        assert np.abs(run(content, planes) - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_file_says_what_it_is() -> None:
    facts = {"darkroom.name": "tiny", "darkroom.multiple_of": "4"}
    model = onnx.load_model_from_string(exported(lively("fast-unet"), channels=4, facts=facts))
    assert {entry.key: entry.value for entry in model.metadata_props} == facts
    assert [one.version for one in model.opset_import] == [OPSET]
    assert [one.name for one in model.graph.input] == ["planes", "noise"]
    sizes = [
        [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    ]
    assert sizes == [
        [1, 4, "rows", "columns"],
        [1, 8],
        [1, 3, "picture_rows", "picture_columns"],
    ]


def test_without_the_library_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = builtins.__import__

    def refuse(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> object:
        if name == "onnx":
            raise ImportError(name)
        return original(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EnvironmentProblem, match=r"darkroom\[onnx\]"):
        exported(lively("fast-unet"), channels=4, facts={})
