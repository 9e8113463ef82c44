from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from darkroom.camera.bayer import amplified_planes, visible
from darkroom.camera.raw import RawImage
from darkroom.errors import EnvironmentProblem
from darkroom.inference.cuda_engine import CudaEngine, make_cuda_engine
from darkroom.inference.cuda_graphs import Graphs
from darkroom.inference.develop import Facts, facts_of
from darkroom.inference.developing import Developed, developed, uploaded, whole
from darkroom.inference.engine import Precision
from darkroom.networks.fast_unet import FastUNet
from darkroom.picture.render import Rendering, render
from tests.inference.test_cuda_graphs import Notes

NOISE = np.array([1e-3] * 4 + [1e-4] * 4, np.float32)
GAINS = (4.0, 2.0, 3.0, 2.0)
RENDERING = Rendering(np.eye(3) * 1.5 - 0.5 / 3, "standard", (4.0, 2.0, 3.0))


def frame(shape: tuple[int, int] = (61, 90), seed: int = 0, orientation: int = 6) -> RawImage:
    counts = np.random.default_rng(seed).integers(480, 16_383, shape).astype(np.uint16)
    return RawImage(counts, "GRBG", (512.0,) * 4, 16_383.0, (2.0, 1.0, 1.5), np.eye(3), orientation)


def facts(raw: RawImage) -> Facts:
    return facts_of(raw, GAINS, NOISE, RENDERING, clips=False)


def engine(precision: Precision = "fp32", device: str = "cpu") -> CudaEngine:
    torch.manual_seed(0)
    network = FastUNet(width=8, blocks=(1,), bottom=1, detail=8).eval().requires_grad_(False)
    with torch.no_grad():
        network.head.bias.fill_(0.4)
    return make_cuda_engine(network, device=device, precision=precision)


def ordinary(raw: RawImage, one: CudaEngine) -> np.ndarray:
    """Develop a frame in the ordinary way, in which planes and light are arrays."""
    linear = visible(one.run(amplified_planes(raw, GAINS), NOISE), raw)
    return render(
        linear,
        camera_to_srgb=RENDERING.camera_to_srgb,
        tone=RENDERING.tone,
        orientation=raw.orientation,
        saturation=RENDERING.saturation,
    )


def apart(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def made(raw: RawImage, one: CudaEngine, *, early: bool = False) -> Developed:
    arriving = uploaded(one, raw.mosaic) if early else None
    found = developed(one, raw.mosaic, facts(raw), arriving)
    assert found is not None
    return found


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_pixels_are_those_of_the_ordinary_way(precision: Precision, early: bool) -> None:
    one, raw = engine(precision), frame()
    found = made(raw, one, early=early)
    assert found.pixels().dtype == np.uint16
    assert apart(found.pixels(), ordinary(raw, one)) <= 2
    assert (str(found.grid), found.flat, found.warnings) == ("full", "", ())


def test_frames_on_their_way_do_not_disturb_each_other() -> None:
    one, raws = engine(), [frame(seed=seed) for seed in range(3)]
    under_way = [made(raw, one, early=True) for raw in raws]
    for raw, found in zip(raws, under_way, strict=True):
        assert apart(found.pixels(), ordinary(raw, one)) <= 2


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_played_is_developed_from_its_own_counts(precision: Precision) -> None:
    one, reference = replace(engine(precision), graphs=Graphs(Notes())), engine(precision)
    raws = [frame(seed=seed, orientation=seed + 1) for seed in range(5)]
    under_way = [made(raw, one, early=True) for raw in raws]
    for raw, found in zip(raws, under_way, strict=True):
        assert np.array_equal(found.pixels(), made(raw, reference).pixels())
    assert len(one.graphs) == 1


def always(value: float) -> Callable[..., torch.Tensor]:
    return lambda planes, _: planes.new_full(
        (1, 3, 2 * planes.shape[2], 2 * planes.shape[3]), value
    )


@pytest.mark.parametrize("value", [np.nan, 0.25])
def test_what_single_precision_may_mend_is_left_to_the_ordinary_way(
    value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, raw = engine(), frame()
    monkeypatch.setattr(one.network, "forward", always(value))
    assert developed(one, raw.mosaic, facts(raw)) is None
    assert one.too_large == set()


def test_a_frame_that_is_flat_once_it_is_rendered_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def dark(planes: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        grey = torch.rand(1, 1, 2 * planes.shape[2], 2 * planes.shape[3])
        return -grey.expand(1, 3, -1, -1)

    one, raw = engine(), frame()
    monkeypatch.setattr(one.network, "forward", dark)
    assert made(raw, one).flat == "entirely black"


def fails(message: str) -> Callable[..., torch.Tensor]:
    def fail(*_: object) -> torch.Tensor:
        kind = torch.OutOfMemoryError if "memory" in message else RuntimeError
        raise kind(message)

    return fail


def test_frames_too_large_for_the_gpu_are_left_to_the_ordinary_way_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, raw, forgotten = engine(), frame(), []
    monkeypatch.setattr(one.graphs, "forget", lambda: forgotten.append(True))
    monkeypatch.setattr(one.network, "forward", fails("CUDA out of memory"))
    assert developed(one, raw.mosaic, facts(raw)) is None
    assert forgotten == [True]
    monkeypatch.setattr(one.network, "forward", fails("never called"))
    assert developed(one, raw.mosaic, facts(raw)) is None
    monkeypatch.undo()
    made(frame((20, 30)), one)


def test_counts_without_room_on_the_gpu_are_sent_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, raw = engine(), frame()
    with monkeypatch.context() as patch:
        patch.setattr(one.transfers, "upload", fails("CUDA out of memory"))
        assert uploaded(one, raw.mosaic) is None
        assert developed(one, raw.mosaic, facts(raw)) is None
    made(raw, one)


def test_a_gpu_that_dies_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    one, raw = engine(), frame()
    found = made(raw, one)
    monkeypatch.setattr(type(found.leaving), "array", fails("CUDA error: unspecified"))
    with pytest.raises(EnvironmentProblem, match="the GPU stopped working"):
        found.pixels()
    monkeypatch.setattr(one.network, "forward", fails("CUDA error: unspecified"))
    with pytest.raises(EnvironmentProblem, match="the GPU stopped working"):
        developed(one, raw.mosaic, facts(raw))


def test_an_odd_frame_is_one_tile() -> None:
    grid = whole(facts(frame((7, 8))).layout)
    assert (grid.count, str(grid), grid.rows[0].stop, grid.columns[0].stop) == (1, "full", 4, 4)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_gives_the_same_whether_done_at_once_or_played(
    precision: Precision, cuda: str
) -> None:
    one, raws = engine(precision, cuda), [frame(seed=seed) for seed in (0, 1, 2, 3, 0)]
    under_way = [made(raw, one, early=True) for raw in raws]
    first, *others, last = (found.pixels() for found in under_way)
    assert len(one.graphs) == 1
    assert np.array_equal(first, last)
    assert not any(np.array_equal(first, other) for other in others)
    assert apart(first, ordinary(raws[0], one)) <= 2


@pytest.mark.gpu
def test_a_gpu_in_single_precision_gives_the_pixels_of_a_cpu(cuda: str) -> None:
    raw = frame()
    levels = apart(made(raw, engine("fp32", cuda)).pixels(), ordinary(raw, engine()))
    assert levels <= 8  # sums of convolutions in another order, before a steep tone curve
