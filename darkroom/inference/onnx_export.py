"""Write a network as an ONNX model, for programs that have neither torch nor darkroom.

torch's recording exporter is used: like `inference.conversion` it follows one run of the network,
and it takes every network. Its successor, which reads Python code, fails on two of them.
"""

import io
import warnings
from collections.abc import Mapping

import torch

from darkroom.errors import EnvironmentProblem
from darkroom.networks import Network

OPSET = 17  # of 2022: what the networks need, and most programs read
EXAMPLE_STEPS = 4  # of its alignment, a side of the planes that show how a network computes
SMALLEST_EXAMPLE = 64
SIZES = {"planes": {2: "rows", 3: "columns"}, "picture": {2: "picture_rows", 3: "picture_columns"}}


def exported(network: Network, *, channels: int, facts: Mapping[str, str]) -> bytes:
    """Return an ONNX model from `planes` (1, C, h, w) and `noise` (1, 8) to `picture`.

    The sizes h and w are free but must divide by the network's `multiple_of`: the borders that
    darkroom adds to other sizes, and cuts off again, are not part of it. A network that does not
    look at the noise has no such input.

    Args:
        network: a network in float32 on the CPU.
        channels: of its planes.
        facts: what the file says of itself, ONNX's metadata_props.

    Raises:
        EnvironmentProblem: the library onnx is not installed.
    """
    try:  # an extra
        import onnx  # noqa: PLC0415
    except ImportError:
        advice = "pip install 'darkroom[onnx]'"
        raise EnvironmentProblem(f"ONNX files need the library onnx; {advice}") from None
    model = onnx.load_model_from_string(recorded(network, channels))
    onnx.helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


@torch.no_grad()
def recorded(network: Network, channels: int) -> bytes:
    """Follow a run of the network; on its alignment, no step depends on the size."""
    side = max(EXAMPLE_STEPS * network.multiple_of, SMALLEST_EXAMPLE)
    side = -(-side // network.multiple_of) * network.multiple_of
    example = torch.rand(1, channels, side, side), torch.full((1, 8), 1e-3)
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls the recorder old; sizes are looked after
        torch.onnx.export(
            network,
            example,
            file,  # type: ignore[arg-type] # the recorder takes it
            input_names=["planes", "noise"],
            output_names=["picture"],
            dynamic_axes=SIZES,
            opset_version=OPSET,
            dynamo=False,
        )
    return file.getvalue()
