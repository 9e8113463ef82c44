"""Measure what this machine can do at most; prints JSON.

    python benchmarks/speed_limits.py rates
    python benchmarks/speed_limits.py work MEGAPIXELS MODEL ...
    python benchmarks/speed_limits.py copy FILE BYTES FOLDER

`rates`: giga-operations a second of a large matrix product, the best of several, in each precision;
the better of torch and OpenVINO, where that is installed; int8 includes quantising one factor.
`work`: giga-operations of a network on a frame, its padding included: multiplications and additions
of convolutions and matrix products, counted on tensors without values. `copy`: seconds to read a
file, to write so many bytes to the disk, and to read them back.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from speed_files import size_of
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from darkroom.networks import NETWORKS
from darkroom.zoo.find import locate
from darkroom.zoo.weights import load_weights

SIDE = 4096  # of the matrices
REPEATS = 4
COPIES = 3
TORCH_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
OPENVINO_TYPES = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}  # of what is not quantised
STEPS = 256  # of int8


def best_rate(multiply: Callable[[], object]) -> float:
    """Return giga-operations a second of a product of SIDE x SIDE matrices, at its best."""
    multiply()
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        multiply()
        seconds.append(time.perf_counter() - started)
    return 2 * SIDE**3 / min(seconds) / 1e9


def torch_rates() -> Iterator[tuple[str, float]]:
    """Yield precisions and torch's rates."""
    for name, kind in TORCH_TYPES.items():
        one, other = (torch.rand(SIDE, SIDE).to(kind) for _ in range(2))
        yield name, best_rate(lambda one=one, other=other: one @ other)  # type: ignore[misc]


def openvino_rates() -> Iterator[tuple[str, float]]:
    """Yield precisions and OpenVINO's rates; none where it is not installed."""
    try:
        import openvino  # noqa: PLC0415
    except ImportError:
        return
    core, values = openvino.Core(), np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    for name, kind in OPENVINO_TYPES.items():
        model = product(openvino, values, quantised=name == "int8")
        request = core.compile_model(
            model, "CPU", {"INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY"}
        ).create_infer_request()
        yield name, best_rate(lambda request=request: request.infer([values]))  # type: ignore[misc]


def product(openvino: Any, values: Any, *, quantised: bool) -> Any:
    """Return the model of a product with constant values, of which little leaves the model."""
    from openvino import opset13 as ops  # noqa: PLC0415

    def coded(tensor: Any) -> Any:
        ends = [ops.constant(np.float32(end)) for end in (-1.28, 1.27, -1.28, 1.27)]
        return ops.fake_quantize(tensor, *ends, STEPS) if quantised else tensor

    given = ops.parameter(list(values.shape), openvino.Type.f32)
    result = ops.matmul(coded(given), coded(ops.constant(values)), False, False)
    return openvino.Model([ops.reduce_max(result, ops.constant(np.array([0])), False)], [given])


def rates() -> dict[str, dict[str, object]]:
    """Return the best rate of each precision, and whose it is."""
    found: dict[str, dict[str, object]] = {}
    for library, measured in (("torch", torch_rates()), ("openvino", openvino_rates())):
        for name, rate in measured:
            if rate > float(str(found.get(name, {}).get("gflops", 0))):
                found[name] = {"gflops": round(rate, 1), "by": library}
    return found


def work(megapixels: float, models: list[str]) -> dict[str, float]:
    """Return giga-operations of each model on a frame of such a size, padding included."""
    rows, columns = size_of(megapixels)
    return {model: giga_operations(model, rows // 2, columns // 2) for model in models}


def giga_operations(model: str, rows: int, columns: int) -> float:
    """Count the operations of a network on packed planes."""
    card = load_weights(locate(model)).card
    with FakeTensorMode(), FlopCounterMode(display=False) as counter, torch.inference_mode():
        settings: dict[str, Any] = dict(card.config)
        network = NETWORKS[card.network](**settings).eval()
        network(torch.empty(1, 4, rows, columns), torch.empty(1, 8))
    operations: int = counter.get_total_flops()
    return round(operations / 1e9, 3)


def copy(source: Path, size: int, folder: Path) -> dict[str, float]:
    """Return the seconds of moving the bytes of a run and doing nothing with them, at best."""
    content = np.random.default_rng(0).bytes(size)
    target = folder / "copied"
    seconds = []
    for _ in range(COPIES):
        os.sync()
        started = time.perf_counter()
        source.read_bytes()
        with target.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        target.read_bytes()
        seconds.append(time.perf_counter() - started)
    target.unlink()
    return {
        "seconds": round(min(seconds), 4),
        "mb": round((source.stat().st_size + 2 * size) / 1e6, 1),
    }


def main() -> None:
    """Measure what is named."""
    what, *rest = sys.argv[1:]
    if what == "rates":
        found: object = rates()
    elif what == "work":
        found = work(float(rest[0]), rest[1:])
    else:
        found = copy(Path(rest[0]), int(rest[1]), Path(rest[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
