import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from darkroom import enhance
from darkroom.batch.decoder import Decoder
from darkroom.batch.plan import single_job
from darkroom.camera.bayer import plane_gains, planes_of, unpack
from darkroom.camera.exposure import parse_ratio
from darkroom.camera.raw import NoiseLevel, RawImage
from darkroom.camera.read import read_raw
from darkroom.enhance import Enhancer, Settings, enhance_file, load_enhancer
from darkroom.errors import EnvironmentProblem, FailureCode, FileProblem, UsageProblem
from darkroom.inference.cuda_engine import CudaEngine, make_cuda_engine
from darkroom.inference.engine import EngineChoice
from darkroom.inference.openvino_engine import OpenvinoEngine
from darkroom.networks import NETWORKS
from darkroom.picture.demosaic import demosaiced
from darkroom.picture.guided_filter import GuidedFilter
from darkroom.picture.load import load_picture
from darkroom.simulate import SimulateSettings, simulate_file
from darkroom.zoo.card import Card
from darkroom.zoo.contents import contents_for
from darkroom.zoo.gpu_way import GpuWay
from darkroom.zoo.weights import build_network, save_weights, weights_of

SIZE = (150, 182)  # several tiles of the small networks, halo included
QUIET = NoiseLevel((1e-4,) * 4, (1e-6,) * 4)


@pytest.fixture
def dark(tmp_path: Path) -> Path:
    """A dark frame of a coloured gradient."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    picture = np.stack([rows * 1.5, columns, 120 + 0 * rows], -1).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "scene.png"), picture)
    simulate_file(tmp_path / "scene.png", tmp_path / "dark.dng", SimulateSettings(ratio=50))
    return tmp_path / "dark.dng"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    """One decoder for all tests: its process takes a moment to start."""
    with Decoder() as decoder:
        yield decoder


@pytest.fixture
def load(decoder: Decoder) -> Callable[[Settings], Enhancer]:
    """Loads a model beside that decoder."""
    return lambda settings: load_enhancer(settings, decoder)


Load = Callable[[Settings], Enhancer]


def settings(model: str, **changes: object) -> Settings:
    return replace(
        Settings(ratio=parse_ratio("50"), model=model, choice=EngineChoice("cpu")), **changes
    )


Run = Callable[..., np.ndarray]


@pytest.fixture
def run(dark: Path, load: Load) -> Run:
    """Enhances the dark frame and reads the picture back."""

    def run(model: str, target: str = "out.tif", **changes: object) -> np.ndarray:
        job = single_job(dark, dark.parent / target)
        enhance_file(job, load(settings(model, overwrite=True, **changes)))
        return load_picture(job.target)

    return run


def test_every_visible_pixel_comes_out(dark: Path, small_model: str, run: Run) -> None:
    picture = run(small_model)
    assert picture.shape == (*SIZE, 3)
    assert np.ptp(picture) > 0


@pytest.mark.parametrize("phase", ["GRBG", "GBRG", "BGGR"])
def test_the_four_phases_give_one_picture(phase: str, tmp_path: Path, small_model: str) -> None:
    smooth = cv2.resize(
        np.random.default_rng(0).uniform(60, 200, (4, 5, 3)).astype(np.float32),
        (84, 64),
        interpolation=cv2.INTER_CUBIC,
    )
    cv2.imwrite(str(tmp_path / "smooth.png"), smooth)
    pictures = []
    for name in ("RGGB", phase):
        dng = tmp_path / f"{name}.dng"
        simulated = SimulateSettings(iso=50, ratio=1, phase=name)
        simulate_file(tmp_path / "smooth.png", dng, simulated)
        planes = planes_of(read_raw(dng))
        picture = np.repeat(np.repeat(planes[[0, 1, 2]], 2, 1), 2, 2)  # a network that only bins
        pictures.append(enhance.visible(picture, read_raw(dng)))
    inner = np.s_[:, 4:-4, 4:-4]
    assert pictures[0].shape == pictures[1].shape == (3, 64, 84)
    assert np.abs(pictures[0][inner] - pictures[1][inner]).mean() < 0.01


def test_a_larger_ratio_is_brighter(dark: Path, small_model: str, load: Load) -> None:
    torch.manual_seed(0)
    means = []
    for ratio in ("5", "50"):
        enhancer = load(settings(small_model))
        picture = enhance.enhance(read_raw(dark), float(ratio), QUIET, enhancer).picture
        means.append(np.abs(picture).mean())
    assert means[0] != means[1]


@pytest.mark.parametrize("tile", [8, 20])
def test_tiles_give_the_same_file(dark: Path, small_model: str, tile: int, run: Run) -> None:
    exactly = EngineChoice("cpu", precision="fp32")
    whole, tiled = (run(small_model, tile=size, choice=exactly) for size in (0, tile))
    assert np.abs(whole - tiled).max() <= 2 / 65535


def test_the_report_says_what_was_done(dark: Path, small_model: str, load: Load) -> None:
    job = single_job(dark, dark.with_suffix(".tif"))
    report = enhance_file(job, load(settings(small_model, tile=8)))
    assert report.camera == "SONY ILCE-7SM2"
    assert report.ratio == 50
    assert report.noise_source == "estimated from the picture"
    assert report.tile == "3x5 tiles"
    assert report.model.startswith("small-fast-unet")
    assert set(report.seconds) == {"read", "network", "render", "write"}


def test_orientation_is_applied(dark: Path, small_model: str, load: Load) -> None:
    enhancer = load(settings(small_model))
    raw = read_raw(dark)
    picture = enhance.enhance(raw, 50, QUIET, enhancer).picture
    choice = enhance.choose_ratio(parse_ratio("50"), raw, None)
    upright = enhance.finish(picture, raw, choice, enhancer)
    turned = enhance.finish(picture, replace(raw, orientation=6), choice, enhancer)
    assert np.array_equal(np.rot90(upright, -1), turned)


def test_a_network_that_makes_srgb_is_believed(
    dark: Path, small_srgb_model: str, load: Load, run: Run
) -> None:
    enhancer = load(settings(small_srgb_model))
    assert enhancer.card.output_space == "srgb"
    raw = read_raw(dark)
    picture = enhance.enhance(raw, 50, QUIET, enhancer).picture
    pixels = run(small_srgb_model)
    assert np.abs(pixels - np.moveaxis(picture, 0, -1).clip(0, 1)).max() < 1e-4


def quiet_denoiser(folder: Path) -> str:
    """Write a denoiser that finds nothing to remove, and return its file."""
    network = NETWORKS["pmrid"](**(config := {"width": 4, "blocks": [1, 1, 1, 1]}))
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
    told = {"input_space": "planes", "output_space": "raw-planes"}
    card = Card(
        name="quiet",
        network="pmrid",
        config=config,
        halo=network.halo,
        multiple_of=network.multiple_of,
        **told,
    )
    save_weights(folder / "quiet.safetensors", card, network)
    return str(folder / "quiet.safetensors")


def test_raw_planes_are_balanced_and_demosaiced(dark: Path, tmp_path: Path, load: Load) -> None:
    raw, enhancer = read_raw(dark), load(settings(quiet_denoiser(tmp_path)))
    picture = enhance.enhance(raw, 8.0, QUIET, enhancer).picture
    gains = np.float32(plane_gains(raw.white_balance))[:, None, None]
    truth = enhance.visible(demosaiced(unpack(planes_of(raw) * gains * 8)), raw)
    assert picture.shape == (3, *raw.mosaic.shape)
    assert np.abs(picture - truth).max() < 2e-3


def test_raw_planes_become_a_picture_from_any_side(dark: Path, tmp_path: Path, run: Run) -> None:
    model = quiet_denoiser(tmp_path)
    one, four = run(model), run(model, views=4)
    assert one.shape == (*SIZE, 3)
    assert np.ptp(one) > 0
    assert np.abs(one - four).max() <= 0.01  # what is not changed is the same from every side


def test_the_guided_filter_smooths(dark: Path, small_model: str, run: Run) -> None:
    plain = run(small_model)
    smooth = run(small_model, guided_filter=GuidedFilter(radius=3, eps=0.1))
    assert np.abs(np.diff(smooth, axis=0)).mean() < np.abs(np.diff(plain, axis=0)).mean()


def engine_of_a_gpu(model: str) -> CudaEngine:
    """What develops frames on a GPU, here on torch's CPU device."""
    network = build_network(weights_of(contents_for("enhance", model)), device="cpu")
    return make_cuda_engine(network, device="cpu", precision="fp32")


@pytest.mark.parametrize("kind", ["small_model", "small_srgb_model"])
def test_a_gpu_makes_the_same_file_from_the_counts(
    kind: str, dark: Path, load: Load, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(kind)
    enhancer = load(settings(model, choice=EngineChoice("cpu", "torch", "fp32"), overwrite=True))
    engine = engine_of_a_gpu(model)
    way = enhance.gpu_for(replace(enhancer, engine=replace(engine, device="cuda")))
    assert way is not None
    pictures, job = [], single_job(dark, dark.with_suffix(".tif"))
    for one in (enhancer, replace(enhancer, gpu=replace(way, engine=engine))):
        report = enhance_file(job, one)
        pictures.append(load_picture(job.target))
        assert report.tile == "full"
        assert set(report.seconds) == {"read", "network", "render", "write"}
    assert np.abs(pictures[0] - pictures[1]).max() <= 2 / 65535


@pytest.mark.parametrize(
    "wish",
    [
        {"views": 2},
        {"guided_filter": GuidedFilter(radius=3, eps=0.1)},
        {"tile": 0},
        {"tile": 256},
        {"max_memory": 1 << 30},
    ],
)
def test_what_needs_arrays_or_tiles_does_not_stay_on_a_gpu(
    wish: dict[str, object], small_model: str, load: Load
) -> None:
    enhancer = load(settings(small_model, **wish))
    engine = replace(engine_of_a_gpu(small_model), device="cuda")
    assert enhance.gpu_for(replace(enhancer, engine=engine)) is None


def test_nor_do_mosaics(tmp_path: Path, load: Load) -> None:
    model = quiet_denoiser(tmp_path)
    engine = replace(engine_of_a_gpu(model), device="cuda")
    assert enhance.gpu_for(replace(load(settings(model)), engine=engine)) is None


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_picture_of_nothing_that_a_gpu_makes_is_never_written(
    value: float, dark: Path, small_model: str, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    enhancer = load(settings(small_model, choice=EngineChoice("cpu", "torch", "fp32")))
    engine = engine_of_a_gpu(small_model)
    way = GpuWay(engine, enhancer.card, "srgb")

    def fill(planes: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return planes.new_full((1, 3, 2 * planes.shape[2], 2 * planes.shape[3]), value)

    monkeypatch.setattr(engine.network, "forward", fill)
    with pytest.raises(FileProblem, match="E_BLACK" if value == 0 else "E_NONFINITE"):
        job = single_job(dark, dark.with_suffix(".tif"))
        enhance_file(job, replace(enhancer, engine=engine, gpu=way))
    assert not dark.with_suffix(".tif").exists()


def test_strength_changes_what_the_network_is_told(dark: Path, small_model: str, run: Run) -> None:
    gentle, full = (run(small_model, strength=value) for value in (0.0, 1.0))
    assert not np.array_equal(gentle, full)


def test_more_views_are_another_picture_of_the_same_size(
    dark: Path, small_model: str, run: Run
) -> None:
    one, two, eight = (run(small_model, views=count) for count in (1, 2, 8))
    assert one.shape == two.shape == eight.shape
    assert not np.array_equal(one, two)
    assert not np.array_equal(two, eight)


@pytest.mark.parametrize("format", ["tiff", "png"])
def test_formats_hold_the_same_pixels(dark: Path, small_model: str, format: str, run: Run) -> None:
    expected = run(small_model)
    assert np.array_equal(run(small_model, target=f"x.{format}", format=format), expected)


def test_memory_that_runs_out_makes_tiles_smaller(
    small_model: str, monkeypatch: pytest.MonkeyPatch, load: Load
) -> None:
    counts = np.random.default_rng(0).integers(512, 900, (240, 300), np.uint16)
    frame = RawImage(counts, "RGGB", (512.0,) * 4, 16383.0, (2.0, 1.0, 1.5), np.eye(3))
    enhancer = load(settings(small_model))
    whole = enhance.enhance(frame, 50, QUIET, enhancer).picture
    run_whole = type(enhancer.engine).run

    def run_small(
        self: object, planes: np.ndarray, noise: np.ndarray, *, lasting: bool = True
    ) -> np.ndarray:
        if planes[0].size > 12_000:
            raise FileProblem(FailureCode.OOM_DEVICE, "out of memory")
        return run_whole(self, planes, noise)  # type: ignore[arg-type]

    monkeypatch.setattr(type(enhancer.engine), "run", run_small)
    computed = enhance.enhance(frame, 50, QUIET, enhancer)
    tiled, grid = computed.picture, computed.grid
    assert grid.count > 1
    assert "memory ran out" in computed.warnings[0]
    assert np.abs(tiled - whole).max() < 0.02 * np.abs(whole).max()
    asked = replace(enhancer, settings=settings(small_model, tile=0))
    with pytest.raises(FileProblem, match="E_OOM_DEVICE"):
        enhance.enhance(frame, 50, QUIET, asked)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_picture_of_nothing_is_never_written(
    value: float, dark: Path, small_model: str, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    def fill(_: object, planes: np.ndarray, **__: object) -> np.ndarray:
        return np.full((3, 2 * planes.shape[1], 2 * planes.shape[2]), value, np.float32)

    monkeypatch.setattr(OpenvinoEngine, "run", fill)
    with pytest.raises(FileProblem, match="E_BLACK" if value == 0 else "E_NONFINITE"):
        run(small_model)
    assert not (dark.parent / "out.tif").exists()


def test_match_takes_the_exposure_of_the_reference(
    dark: Path, small_model: str, load: Load
) -> None:
    bright = dark.with_name("bright.dng")
    simulate_file(dark.with_name("scene.png"), bright, SimulateSettings(ratio=2))
    enhancer = load(settings(small_model, ratio=parse_ratio(f"match:{bright}")))
    report = enhance_file(single_job(dark, dark.with_suffix(".tif")), enhancer)
    assert report.ratio == pytest.approx(25)


def test_a_missing_reference_is_named(small_model: str, load: Load) -> None:
    with pytest.raises(UsageProblem, match=r"none\.ARW"):
        load(settings(small_model, ratio=parse_ratio("match:none.ARW")))


def test_an_unknown_model_is_named(load: Load) -> None:
    with pytest.raises(EnvironmentProblem, match="no model called"):
        load(settings("unheard-of"))


def test_the_input_is_only_read(dark: Path, small_model: str, run: Run) -> None:
    before = dark.read_bytes(), dark.stat().st_mtime_ns
    run(small_model)
    assert (dark.read_bytes(), dark.stat().st_mtime_ns) == before


def test_planning_needs_no_torch() -> None:
    program = "import sys; from darkroom import enhance; from darkroom.zoo import header; "
    program += "from darkroom.cli import enhance; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
