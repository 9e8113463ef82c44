"""Measure what this machine can do at most; prints JSON.

    python benchmarks/speed_limits.py network MEGAPIXELS MODEL PRECISION ROUNDS
    python benchmarks/speed_limits.py copy FILE BYTES FOLDER

`network`: a network that is ready, in turn with a large matrix product in the same precision; a
machine that is shared with others has minutes of twice the speed, which both see. The product is
torch's or OpenVINO's, whichever is faster; int8 includes quantising one factor. Its giga-operations
a second, and those of the network on a frame, padding included: multiplications and additions of
convolutions and matrix products, counted on tensors without values. `copy`: seconds to read a file,
to write so many bytes to the disk, and to read them back.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from speed_files import size_of
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from darkroom.inference.engine import EngineChoice
from darkroom.networks import NETWORKS
from darkroom.zoo.contents import contents_for
from darkroom.zoo.engines import engine_for
from darkroom.zoo.find import locate
from darkroom.zoo.weights import load_weights

SIDE = 4096  # of the matrices
REPEATS = 3
COPIES = 3
TORCH_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
OPENVINO_TYPES = {"fp32": "f32", "bf16": "bf16", "int8": "bf16"}  # of what is not quantised
STEPS = 256  # of int8

Work = Callable[[], object]


def seconds_of(work: Work) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rate_of(multiply: Work) -> float:
    """Return giga-operations a second of a product of SIDE x SIDE matrices, the best of a few."""
    return 2 * SIDE**3 / min(seconds_of(multiply) for _ in range(REPEATS)) / 1e9


def products(precision: str) -> dict[str, Work]:
    """Return what multiplies two matrices in a precision, by library."""
    found: dict[str, Work] = {}
    if kind := TORCH_TYPES.get(precision):
        one, other = (torch.rand(SIDE, SIDE).to(kind) for _ in range(2))
        found["torch"] = lambda: one @ other
    try:
        import openvino  # noqa: PLC0415
    except ImportError:
        return found
    core, values = openvino.Core(), np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    model = product(openvino, values, quantised=precision == "int8")
    settings = {"INFERENCE_PRECISION_HINT": OPENVINO_TYPES[precision]}
    compiled = core.compile_model(model, "CPU", settings | {"PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    found["openvino"] = lambda: request.infer([values])
    return found


def product(openvino: Any, values: Any, *, quantised: bool) -> Any:
    """Return the model of a product with constant values, of which little leaves the model."""
    from openvino import opset13 as ops  # noqa: PLC0415

    def coded(tensor: Any) -> Any:
        ends = [ops.constant(np.float32(end)) for end in (-1.28, 1.27, -1.28, 1.27)]
        return ops.fake_quantize(tensor, *ends, STEPS) if quantised else tensor

    given = ops.parameter(list(values.shape), openvino.Type.f32)
    result = ops.matmul(coded(given), coded(ops.constant(values)), False, False)
    return openvino.Model([ops.reduce_max(result, ops.constant(np.array([0])), False)], [given])


def network(megapixels: float, model: str, precision: str, rounds: int) -> dict[str, object]:
    """Time a network that is ready between products of matrices; return medians."""
    rows, columns = (side // 2 for side in size_of(megapixels))
    engine = engine_for(contents_for("enhance", model), EngineChoice("cpu", precision=precision))  # type: ignore[arg-type]
    kinds = products(engine.precision)
    library = max(kinds, key=lambda name: rate_of(kinds[name]))
    planes = np.random.default_rng(0).random((4, rows, columns), np.float32)
    noise = np.full(8, 1e-3, np.float32)
    operations, rates = giga_operations(model, rows, columns), [rate_of(kinds[library])]
    taken: list[float] = []
    for number in range(rounds + 1):
        one = seconds_of(lambda: engine.run(planes, noise, lasting=False))
        if number:  # the first one makes the network ready
            rates.append(rate_of(kinds[library]))
            taken.append(one)
    nearby = [(before + after) / 2 for before, after in pairwise(rates)]
    over = [seconds * rate / operations for seconds, rate in zip(taken, nearby, strict=True)]
    return {
        "gflop": operations,
        "precision": engine.precision,
        "product_by": library,
        "gflops": round(median(rates), 1),
        "ready": round(median(taken), 3),
        "over_floor": round(median(over), 2),
    }


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
    if what == "network":
        found: object = network(float(rest[0]), rest[1], rest[2], int(rest[3]))
    else:
        found = copy(Path(rest[0]), int(rest[1]), Path(rest[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
