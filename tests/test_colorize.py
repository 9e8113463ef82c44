import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from darkroom.batch.decoder import Decoder
from darkroom.batch.finished import ColorizeReport
from darkroom.batch.plan import single_job
from darkroom.camera.near_infrared import near_infrared
from darkroom.camera.read import read_raw
from darkroom.colorize import (
    Colorizer,
    Settings,
    colorize,
    colorize_file,
    load_colorizer,
)
from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.inference.engine import EngineChoice
from darkroom.measure.colour_difference import srgb_to_lab
from darkroom.networks import NETWORKS
from darkroom.picture.load import load_grey, load_picture
from darkroom.picture.tone import srgb_encode
from darkroom.zoo.card import Card
from darkroom.zoo.weights import save_weights
from tests.raw_files import MONOCHROME, Changes, noisy_mosaic, write_dng

SIZE = (48, 64)
GAINS = (0.75, 0.5, 0.25)


class Tint(nn.Module):
    """A network of one convolution."""

    halo, multiple_of, bytes_per_pixel = 1, 1, 64

    def __init__(self, inputs: int = 1, outputs: int = 3) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)

    def forward(self, planes: Tensor, noise: Tensor) -> Tensor:
        return self.convolution(planes)


Model = Callable[..., Path]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Saves a tint: its centre multiplies, unless its weights are to be random."""
    monkeypatch.setitem(NETWORKS, "tint", Tint)  # type: ignore[arg-type]

    def make(*, is_random: bool = False, **changes: object) -> Path:
        facts = {"input_space": "nir", "output_space": "srgb", "noise_map": False} | changes
        inputs, outputs = (
            1 if facts[key] == "nir" else 3 for key in ("input_space", "output_space")
        )
        torch.manual_seed(0)
        tint = Tint(inputs, outputs)
        if not is_random:
            nn.init.zeros_(tint.convolution.weight)
            nn.init.zeros_(tint.convolution.bias)
            gains = torch.tensor(GAINS[:outputs])
            tint.convolution.weight.data[:, 0, 1, 1] = gains
        card = Card(
            name="tint",
            task="colorize",
            network="tint",
            config={"inputs": inputs, "outputs": outputs},
            halo=1,
            multiple_of=1,
            **facts,
        )
        save_weights(tmp_path / "tint.safetensors", card, tint)
        return tmp_path / "tint.safetensors"

    return make


@pytest.fixture
def nir(tmp_path: Path) -> Path:
    """A near-infrared picture with an edge and fine texture."""
    rng = np.random.default_rng(0)
    levels = 60 + 100 * (np.arange(SIZE[1]) > 30) + rng.integers(0, 60, SIZE)
    cv2.imwrite(str(tmp_path / "nir.png"), levels.astype(np.uint8))
    return tmp_path / "nir.png"


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


def load(model: Path, decoder: Decoder | None = None, **changes: object) -> Colorizer:
    settings = replace(
        Settings(model=str(model), choice=EngineChoice("cpu"), overwrite=True), **changes
    )
    return load_colorizer(settings, decoder)


def run(source: Path, colorizer: Colorizer) -> tuple[np.ndarray, ColorizeReport]:
    job = single_job(source, source.with_suffix(".out.tif"))
    report = colorize_file(job, colorizer)
    return load_picture(job.target), report


def tinted(grey: np.ndarray) -> np.ndarray:
    return grey[..., None] * np.float32(GAINS)


@pytest.mark.parametrize("working_side", [0, 16, 500])
def test_colours_come_from_the_model_and_detail_from_the_input(
    working_side: int, model: Model, nir: Path
) -> None:
    picture, _ = run(nir, load(model(working_side=working_side)))
    assert picture.shape == (*SIZE, 3)
    np.testing.assert_allclose(picture, tinted(load_grey(nir)), atol=0.02)


def test_without_the_filter_a_small_picture_stays_coarse(model: Model, nir: Path) -> None:
    weights = model(working_side=16)
    sharp, coarse = (
        run(nir, load(weights, **changes))[0] for changes in ({}, {"guided_filter": None})
    )
    truth = tinted(load_grey(nir))
    assert coarse.shape == truth.shape
    assert np.abs(coarse - truth).mean() > 5 * np.abs(sharp - truth).mean()


def test_tiles_give_the_same_file(model: Model, nir: Path) -> None:
    weights = model(is_random=True)
    whole, tiled = (run(nir, load(weights, tile=tile)) for tile in (0, 16))
    assert np.abs(whole[0] - tiled[0]).max() <= 2 / 65535
    assert tiled[1].tile == "3x4 tiles at 64 x 48"


def test_the_report_says_what_was_done(model: Model, nir: Path) -> None:
    _, report = run(nir, load(model(working_side=16)))
    assert report.tile == "full at 16 x 12"
    assert report.model == "tint 1"
    assert report.device.startswith("cpu")
    assert set(report.seconds) == {"read", "network", "detail", "render", "write"}
    assert report.record()["camera"] is None
    assert not report.suspect


def test_arrays_are_coloured_as_files_are(model: Model, nir: Path) -> None:
    colorizer = load(model(working_side=16, is_random=True))
    expected, _ = run(nir, colorizer)
    picture = colorize(load_grey(nir), colorizer)
    assert picture.shape == (3, *SIZE)
    np.testing.assert_allclose(np.moveaxis(picture, 0, -1).clip(0, 1), expected, atol=1e-4)


def test_the_luminance_of_the_input_can_be_kept(model: Model, nir: Path) -> None:
    picture, _ = run(nir, load(model(), keep_nir_luminance=1.0))
    grey = np.repeat(load_grey(nir)[..., None], 3, axis=-1)
    found, wanted = srgb_to_lab(picture), srgb_to_lab(grey)
    assert np.abs(found - wanted)[..., 0].mean() < 1
    assert np.abs(found[..., 1:]).mean() > 5


def test_a_model_can_go_the_other_way(model: Model, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "colour.png"), colours)
    colorizer = load(model(input_space="srgb", output_space="nir"), guided_filter=None)
    picture, _ = run(tmp_path / "colour.png", colorizer)
    np.testing.assert_allclose(picture, tinted(colours[..., 2] / 255)[..., :1] + [0] * 3, atol=1e-2)
    assert np.ptp(picture, axis=-1).max() == 0


def test_colour_files_need_a_channel(model: Model, tmp_path: Path) -> None:
    bgr = np.random.default_rng(0).integers(0, 255, (*SIZE, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "colour.png"), bgr)
    with pytest.raises(FileProblem, match="--channel"):
        run(tmp_path / "colour.png", load(model()))
    picture, _ = run(tmp_path / "colour.png", load(model(), channel="red", guided_filter=None))
    np.testing.assert_allclose(picture, tinted(bgr[..., 2] / 255), atol=5e-3)


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("sensor", [{}, MONOCHROME], ids=["bayer", "mono"])
def test_raw_files_of_converted_cameras_are_coloured(
    orientation: int, sensor: Changes, model: Model, tmp_path: Path, decoder: Decoder
) -> None:
    change = {**sensor, 274: (3, (orientation,))}
    path = write_dng(tmp_path / "a.dng", noisy_mosaic(), change=change)
    colorizer = load(model(), decoder, from_raw=True, guided_filter=None)
    picture, report = run(path, colorizer)
    grey = srgb_encode(near_infrared(read_raw(path, monochrome=True)))
    assert grey.shape == ((96, 128) if sensor else (48, 64))
    upright = np.rot90(grey, -1) if orientation == 6 else grey
    np.testing.assert_allclose(picture, tinted(upright), atol=5e-3)
    assert report.camera == "Testmaker One"


def test_raw_files_of_other_sensors_are_refused_with_a_way_out(
    model: Model, tmp_path: Path, decoder: Decoder
) -> None:
    dimensions, pattern = 33421, 33422
    change = {dimensions: (3, (6, 6)), pattern: (1, bytes((1, 0, 2, 1, 2, 0) * 6))}
    path = write_dng(tmp_path / "x_trans.dng", noisy_mosaic(), change=change)
    with pytest.raises(FileProblem, match=r"X-Trans.*16-bit TIFF") as caught:
        run(path, load(model(), decoder, from_raw=True))
    assert caught.value.code == FailureCode.NOT_BAYER


def test_a_raw_file_is_no_damaged_picture(model: Model, tmp_path: Path) -> None:
    path = write_dng(tmp_path / "a.dng", noisy_mosaic())
    with pytest.raises(FileProblem, match=r"RAW file.*--from-raw"):
        run(path, load(model()))


def test_what_the_photograph_says_travels_on(model: Model, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "Testmaker"
    exif.get_ifd(0x8825)[1] = "N"
    grey = np.random.default_rng(0).integers(0, 255, SIZE).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.jpg", exif=exif)
    for strip_gps in (False, True):
        run(tmp_path / "a.jpg", load(model(), strip_gps=strip_gps))
        with Image.open(tmp_path / "a.out.tif") as written:
            assert written.getexif()[271] == "Testmaker"
            assert written.getexif().get_ifd(0x8825).get(1) == (None if strip_gps else "N")
            assert written.info["icc_profile"]


def test_a_picture_of_nothing_is_refused_or_suspect(model: Model, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "flat.png"), np.full(SIZE, 9, np.uint8))
    with pytest.raises(FileProblem, match="one single grey") as caught:
        run(tmp_path / "flat.png", load(model()))
    assert (caught.value.code, caught.value.stage) == (FailureCode.BLACK, "read")
    assert not (tmp_path / "flat.out.tif").exists()
    _, report = run(tmp_path / "flat.png", load(model(), allow_suspect=True))
    assert report.suspect
    assert "the picture is one single grey" in report.warnings


def test_a_model_that_makes_nothing_of_it_is_told(model: Model, nir: Path) -> None:
    weights = model()
    colorizer = load(weights, choice=EngineChoice("cpu", "torch"))
    nn.init.zeros_(colorizer.engine.network.convolution.weight)  # type: ignore[attr-defined]
    with pytest.raises(FileProblem, match="the coloured picture is entirely black"):
        run(nir, colorizer)


def test_models_of_other_kinds_are_refused(model: Model, small_model: str) -> None:
    with pytest.raises(UsageProblem, match="darkroom enhance"):
        load(Path(small_model))
    reverse = model(input_space="srgb", output_space="nir")
    for changes in ({"from_raw": True}, {"channel": "red"}, {"keep_nir_luminance": 0.5}):
        with pytest.raises(UsageProblem, match="tint"):
            load(reverse, **changes)


def test_what_decides_the_look_is_in_the_digest() -> None:
    plain = Settings()
    for changes in (
        {"channel": "red"},
        {"from_raw": True},
        {"guided_filter": None},
        {"keep_nir_luminance": 0.5},
        {"format": "png"},
        {"compression": "zstd"},
        {"strip_gps": True},
    ):
        assert replace(plain, **changes).params() != plain.params()
    for changes in ({"tile": 64}, {"overwrite": True}, {"choice": EngineChoice("cpu")}):
        assert replace(plain, **changes).params() == plain.params()


def test_planning_needs_no_torch() -> None:
    program = "import sys; from darkroom import colorize; from darkroom.zoo import header; "
    program += "from darkroom.cli import colorize; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
