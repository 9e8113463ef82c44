"""A model ready to run: its weights verified, its network on the engine that suits the machine.

OpenVINO needs a converted network. It is converted once and kept in the user's cache, named by the
weights' sha256 and by the code that computes with them, so that later runs import no torch. One
whose convolutions compute in int8 is kept beside it.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

import platformdirs

from darkroom.errors import DarkroomError
from darkroom.inference.engine import (
    Engine,
    EngineChoice,
    Precision,
    choose_device,
    choose_engine,
)
from darkroom.inference.graph import Graph, read_graph, to_bytes
from darkroom.publish import publish
from darkroom.zoo.card import Card
from darkroom.zoo.contents import Contents

PACKAGE = Path(__file__).resolve().parents[1]
CONVERSION = ("ascents", "conversion", "ending", "graph", "intermediate", "shuffles")
INT8_SOURCES = (
    "camera/bayer.py",
    "camera/sensor_noise.py",
    "camera/sensors.py",
    "inference/quantisation.py",
    "picture/dead_leaves.py",
    "picture/tone.py",
    "zoo/drawn_frames.py",
    "zoo/network_input.py",
)
CHANNELS = {"balanced-planes": 4, "planes": 4, "nir": 1, "srgb": 3}  # by a card's input space


def engine_for(contents: Contents, choice: EngineChoice) -> Engine:
    """Return the engine that runs a model as the user asks for it.

    Raises:
        EnvironmentProblem: the device or the engine is not there, or the weights do not fit.
        UsageProblem: device, engine and precision do not go together, or there is nothing in the
            network that int8 would make faster.
    """
    device = choose_device(choice.device)
    if choose_engine(choice, device) == "torch":
        return torch_engine(contents, choice, device)
    from darkroom.inference.openvino_engine import make_openvino_engine  # noqa: PLC0415

    graph = graph_for(contents, choice.precision)
    exact = partial(graph_for, contents)
    return make_openvino_engine(graph, precision=choice.precision, exact=exact)


def torch_engine(contents: Contents, choice: EngineChoice, device: str) -> Engine:
    """Return the reference engine."""
    from darkroom.inference.torch_engine import make_engine  # noqa: PLC0415
    from darkroom.zoo.weights import build_network, weights_of  # noqa: PLC0415

    network = build_network(weights_of(contents), device=device)
    if device.startswith("cuda"):
        from darkroom.inference.cuda_engine import make_cuda_engine  # noqa: PLC0415

        return make_cuda_engine(network, device=device, precision=choice.precision)
    return make_engine(network, device=device, precision=choice.precision)


def graph_for(contents: Contents, precision: Precision = "auto") -> Graph:
    """Return a model's converted network from the cache; convert it if it is not there.

    It serves every precision but int8, which has one of its own.
    """
    is_int8 = precision == "int8"
    path = cached(contents.card, is_quantised=is_int8)
    graph = read_graph(path)
    if graph is None:
        graph = in_int8(contents) if is_int8 else converted(contents)
        content = to_bytes(graph)
        with suppress(DarkroomError, OSError):  # without a cache, the next run converts again
            publish(path, lambda file: file.write(content), overwrite=True)
    return graph


def converted(contents: Contents, *, for_int8: bool = False) -> Graph:
    """Convert a model's network, or what is going to be quantised of it.

    Raises:
        EnvironmentProblem: the weights do not fit it.
    """
    from darkroom.inference.conversion import convert  # noqa: PLC0415
    from darkroom.zoo.weights import build_network, weights_of  # noqa: PLC0415

    network = build_network(weights_of(contents), device="cpu")
    channels = CHANNELS[contents.card.input_space]
    return convert(network, channels=channels, for_int8=for_int8)


def in_int8(contents: Contents) -> Graph:
    """Quantise a model's network; what it may be given is drawn for it.

    Raises:
        EnvironmentProblem: the weights do not fit it.
        UsageProblem: there is nothing in it that int8 would make faster.
    """
    from darkroom.inference.quantisation import quantised  # noqa: PLC0415
    from darkroom.zoo.drawn_frames import drawn_samples  # noqa: PLC0415

    return quantised(converted(contents, for_int8=True), drawn_samples(contents.card))


def cached(card: Card, *, is_quantised: bool = False) -> Path:
    """Return where the converted network of a model is kept."""
    code, ending = (int8_digest(), ".int8") if is_quantised else (code_digest(), "")
    return cache_folder() / f"{card.sha256}-{code[:16]}{ending}.graph"


def cache_folder() -> Path:
    """Return the folder of converted networks: $DARKROOM_CACHE, or the user's cache."""
    named = os.environ.get("DARKROOM_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("darkroom")) / "graphs"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the sha256 of all that decides how weights become a graph."""
    from darkroom.inference.openvino_engine import version  # noqa: PLC0415

    sha = hashlib.sha256(version().encode())
    for path in sources():
        sha.update(path.read_bytes())
    return sha.hexdigest()


def sources() -> Iterator[Path]:
    """Yield the files that define the networks and their conversion."""
    yield from sorted((PACKAGE / "networks").glob("*.py"))
    yield from (PACKAGE / "inference" / f"{name}.py" for name in CONVERSION)


@lru_cache(maxsize=1)
def int8_digest() -> str:
    """Return the sha256 of all that decides how weights become a graph that computes in int8."""
    sha = hashlib.sha256(code_digest().encode())
    for path in INT8_SOURCES:
        sha.update((PACKAGE / path).read_bytes())
    return sha.hexdigest()
