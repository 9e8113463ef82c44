import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.bayer import visible
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.errors import FileProblem, UsageProblem
from darkroom.inference.cuda_engine import CudaEngine, make_cuda_engine
from darkroom.inference.engine import Engine
from darkroom.inference.torch_engine import TorchEngine
from darkroom.picture.render import camera_to_srgb, quantise, render
from darkroom.zoo.card import Card
from darkroom.zoo.gpu_way import UNSENT, GpuWay, gpu_way
from darkroom.zoo.network_input import amplified
from darkroom.zoo.weights import build_network, load_weights
from tests.conftest import small_weights

NOISE = NoiseLevel((1e-4, 2e-4, 3e-4, 2e-4), (1e-6,) * 4)
XYZ_TO_CAMERA = np.array([[0.66, -0.19, -0.05], [-0.46, 1.23, 0.26], [-0.06, 0.14, 0.65]])
RATIO, STRENGTH = 4.0, 0.7


def frame(orientation: int = 8) -> RawImage:
    counts = np.random.default_rng(0).integers(480, 9000, (61, 90)).astype(np.uint16)
    matrix, balance = XYZ_TO_CAMERA, (2.0, 1.0, 1.5)
    return RawImage(counts, "GBRG", (512.0,) * 4, 16_383.0, balance, matrix, orientation)


def loaded(folder: Path, network: str) -> tuple[CudaEngine, Card]:
    weights = load_weights(small_weights(folder, network))
    built = build_network(weights, device="cpu")
    return make_cuda_engine(built, device="cpu", precision="fp32"), weights.card


def ordinary(raw: RawImage, engine: Engine, card: Card) -> np.ndarray:
    planes, told = amplified(raw, RATIO, NOISE, card, strength=STRENGTH)
    picture = visible(engine.run(planes, told), raw)
    if card.output_space == "srgb":
        return quantise(picture, orientation=raw.orientation)
    red, green, blue = (RATIO * gain for gain in raw.white_balance)
    return render(
        picture,
        camera_to_srgb=camera_to_srgb(raw.xyz_to_camera),
        tone="standard",
        orientation=raw.orientation,
        saturation=(red, green, blue),
    )


def apart(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("network", ["fast-unet", "unet", "deep-unet"])
@pytest.mark.parametrize("is_sent", [False, True])
def test_both_ways_lead_to_the_same_pixels(network: str, is_sent: bool, tmp_path: Path) -> None:
    engine, card = loaded(tmp_path, network)
    raw, way = frame(), GpuWay(engine, card, "standard", STRENGTH)
    developed = way.develop(raw, RATIO, NOISE, way.send(raw) if is_sent else UNSENT)
    assert developed is not None
    assert apart(developed.pixels(), ordinary(raw, engine, card)) <= 2


def test_what_the_frame_or_the_user_got_wrong_is_told(tmp_path: Path) -> None:
    way = GpuWay(*loaded(tmp_path, "fast-unet"), tone="standard")
    with pytest.raises(FileProblem, match="E_METADATA"):
        way.develop(replace(frame(), xyz_to_camera=np.zeros((3, 3))), RATIO, NOISE)
    with pytest.raises(UsageProblem, match="no tone"):
        replace(way, tone="loud").develop(frame(), RATIO, NOISE)


@pytest.fixture
def on_gpu(tmp_path: Path) -> tuple[CudaEngine, Card]:
    """An engine that says it is on a GPU, and its model."""
    engine, card = loaded(tmp_path, "fast-unet")
    return replace(engine, device="cuda:1"), card


def test_frames_go_through_a_gpu_where_an_engine_develops_them_there(
    on_gpu: tuple[CudaEngine, Card],
) -> None:
    engine, card = on_gpu
    assert gpu_way(engine, card, "srgb", 0.5) == GpuWay(engine, card, "srgb", 0.5)
    assert gpu_way(replace(engine, device="cpu"), card, "srgb") is None
    assert gpu_way(TorchEngine(engine.network, "cuda", "fp32"), card, "srgb") is None


def test_a_run_on_a_cpu_loads_no_torch_for_it() -> None:
    program = "import sys; import darkroom.zoo.gpu_way; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
