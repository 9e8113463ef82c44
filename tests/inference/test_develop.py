from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from darkroom.camera import bayer
from darkroom.camera.bayer import PHASES, plane_gains, visible
from darkroom.camera.raw import RawImage
from darkroom.inference.cuda_graphs import Watch
from darkroom.inference.develop import (
    Facts,
    Predict,
    amplified_planes,
    clip_highlights,
    develop,
    facts_of,
    numbers_of,
    quantised,
    rendered,
    tone_of,
    upright,
)
from darkroom.inference.torch_engine import make_engine
from darkroom.networks import FROM_MOSAIC
from darkroom.networks.fast_unet import FastUNet
from darkroom.picture import highlights
from darkroom.picture.render import Rendering, flatness, quantise, render
from darkroom.picture.tone import TONES
from tests.conftest import SMALL

NOISE = np.array([1e-3] * 4 + [1e-4] * 4, np.float32)
MATRIX = np.array([[1.7, -0.5, -0.2], [-0.2, 1.5, -0.3], [0.1, -0.6, 1.5]])  # a camera's to sRGB
BLACK = (500.0, 502.5, 511.0, 512.0)
LEVELS = 2  # of 65535: how far pixels may lie apart


def frame(
    shape: tuple[int, int], phase: str = "RGGB", orientation: int = 1, seed: int = 0
) -> RawImage:
    """Return a frame with noise below black and counts over white; the last are above 32767."""
    counts = np.random.default_rng(seed).integers(400, 9000, shape).astype(np.uint16)
    counts[shape[0] // 2 :, shape[1] // 2 :] += 60_000 - 9000
    return RawImage(counts, phase, BLACK, 48_000.0, (2.1, 1.0, 1.6), np.eye(3), orientation)


def facts(raw: RawImage, ratio: float, rendering: Rendering | None, clips: bool = False) -> Facts:
    red, green, blue, green2 = (ratio * gain for gain in plane_gains(raw.white_balance))
    return facts_of(raw, (red, green, blue, green2), NOISE, rendering, clips=clips)


def rendering(raw: RawImage, ratio: float, tone: str = "standard") -> Rendering:
    red, green, blue = (ratio * gain for gain in raw.white_balance)
    return Rendering(MATRIX, tone, (red, green, blue))


def tensors(raw: RawImage, known: Facts) -> list[torch.Tensor]:
    arrays = (raw.mosaic.view(np.int16), numbers_of(known), tone_of(known))
    return [torch.from_numpy(array.copy()) for array in arrays]


@torch.inference_mode()
def developed(raw: RawImage, known: Facts, predict: Predict) -> tuple[np.ndarray, list[bool]]:
    levels, checks = develop(*tensors(raw, known), layout=known.layout, predict=predict)
    return upright(levels, known.orientation).numpy().view(np.uint16), checks.tolist()


def enlarged(planes: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Stand in for a network: colours of the cells, enlarged."""
    colours = torch.stack([planes[:, 0], planes[:, 1:4:2].mean(1), planes[:, 2]], 1)
    return colours.repeat_interleave(2, 2).repeat_interleave(2, 3)


def by_numpy(raw: RawImage, known: Facts, predict: Predict) -> np.ndarray:
    """Do the same in the ordinary way."""
    planes = bayer.amplified_planes(raw, known.gains)
    if known.layout.clips:
        planes = planes.clip(0, 1)
    with torch.inference_mode():
        light = predict(torch.from_numpy(planes)[None], torch.from_numpy(NOISE)[None])[0].numpy()
    if known.rendering is None:
        return quantise(visible(light, raw), orientation=raw.orientation)
    return render(
        visible(light, raw),
        camera_to_srgb=known.rendering.camera_to_srgb,
        tone=known.rendering.tone,
        orientation=raw.orientation,
        saturation=known.rendering.saturation,
    )


def apart(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


sides = st.integers(2, 21)
frames = st.builds(
    frame,
    st.tuples(sides, sides),
    st.sampled_from(PHASES),
    st.integers(1, 8),
    st.integers(0, 99),
)


@given(frames, st.floats(1, 300), st.booleans())
@settings(max_examples=60, deadline=None)
def test_planes_are_those_of_the_camera_room(raw, ratio, clips):
    known = facts(raw, ratio, None, clips)
    counts, numbers, _ = tensors(raw, known)
    planes = amplified_planes(counts, numbers, known.layout).numpy()
    expected = bayer.amplified_planes(raw, known.gains)
    assert np.array_equal(planes, expected.clip(0, 1) if clips else expected)


@given(frames, st.sampled_from(sorted(TONES)), st.floats(0.25, 8))
@settings(max_examples=80, deadline=None)
def test_pixels_are_those_of_the_ordinary_way(raw, tone, ratio):
    known = facts(raw, ratio, rendering(raw, ratio, tone))
    pixels, _ = developed(raw, known, enlarged)
    assert apart(pixels, by_numpy(raw, known, enlarged)) <= LEVELS


@given(frames)
@settings(max_examples=30, deadline=None)
def test_finished_srgb_is_only_rounded(raw):
    known = facts(raw, 3.0, None, clips=True)
    pixels, _ = developed(raw, known, enlarged)
    assert np.array_equal(pixels, by_numpy(raw, known, enlarged))


@pytest.mark.parametrize("phase", PHASES)
def test_a_network_gives_the_same_pixels_both_ways(phase):
    torch.manual_seed(0)
    engine = make_engine(FastUNet(8, (1,), 1, 8).eval(), device="cpu", precision="fp32")
    raw = frame((45, 70), phase, orientation=6)
    known = facts(raw, 5.0, rendering(raw, 5.0))
    pixels, checks = developed(raw, known, engine.network)
    assert apart(pixels, by_numpy(raw, known, engine.network)) <= LEVELS
    assert checks == [True, False, False, False]


@given(st.integers(0, 99), st.floats(0.3, 3))
@settings(max_examples=40, deadline=None)
def test_highlights_are_clipped_as_in_the_picture_room(seed, clip):
    linear = np.random.default_rng(seed).uniform(-0.5, 4, (3, 9, 7)).astype(np.float32)
    linear[:, 0, 0] = -(2.0**30)
    found = clip_highlights(torch.from_numpy(linear), torch.tensor(np.float32(clip))).numpy()
    expected = highlights.clip_highlights(linear, np.float32(clip))
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("tone", sorted(TONES))
@pytest.mark.parametrize("saturation", [None, (0.7, 0.7, 0.7), (4.0, 2.0, 3.0), (400, 200, 320)])
def test_every_level_of_grey_is_rendered_alike(tone, saturation):
    greys = np.concatenate([[-1, -1e-9, 0], np.geomspace(1e-8, 500, 40_000)]).astype(np.float32)
    linear = np.broadcast_to(greys, (3, 1, greys.size)).copy()
    how = Rendering(MATRIX, tone, saturation)
    known = facts(frame((4, 4)), 1.0, how)
    numbers, table = (torch.from_numpy(a.copy()) for a in (numbers_of(known), tone_of(known)))
    found = upright(rendered(torch.from_numpy(linear), numbers, table), 1).numpy()
    expected = render(linear, camera_to_srgb=MATRIX, tone=tone, saturation=saturation)
    assert apart(found.view(np.uint16), expected) <= LEVELS


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_pictures_are_new_and_turned_as_in_the_picture_room(orientation):
    srgb = torch.rand(3, 5, 7)
    levels = quantised(srgb)
    before = levels.clone()
    turned = upright(levels, orientation)
    expected = quantise(srgb.numpy(), orientation=orientation)
    assert np.array_equal(turned.numpy().view(np.uint16), expected)
    assert turned.is_contiguous()
    turned.zero_()
    assert torch.equal(levels, before)


def test_interleaved_levels_are_copied_too():
    levels = torch.zeros(5, 7, 3, dtype=torch.int16).permute(2, 0, 1)
    upright(levels, 1).fill_(1)
    assert levels.sum() == 0


def constant(value: float) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda planes, _: enlarged(planes, planes) * 0 + value


@pytest.mark.parametrize(
    ("value", "is_rendered", "checks", "flat"),
    [
        (np.nan, True, [False, False, True, True], "entirely black"),
        (np.inf, False, [False, True, True, False], "one single colour"),
        (0.0, True, [True, True, True, True], "entirely black"),
        (0.5, False, [True, True, True, False], "one single colour"),
    ],
)
def test_what_is_no_picture_is_noticed(value, is_rendered, checks, flat):
    raw = frame((8, 10))
    how = rendering(raw, 1.0) if is_rendered else None
    pixels, found = developed(raw, facts(raw, 1.0, how), constant(value))
    assert found == checks
    assert flatness(pixels) == flat


def test_one_value_that_is_no_number_is_noticed():
    def spoilt(planes: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        picture = enlarged(planes, noise)
        picture[0, 1, 2, 3] = np.nan
        return picture

    raw = frame((8, 10))
    _, (is_finite, *others) = developed(raw, facts(raw, 1.0, rendering(raw, 1.0)), spoilt)
    assert not is_finite
    assert not any(others)


@pytest.mark.parametrize("name", FROM_MOSAIC)
def test_nothing_is_taken_from_python_or_looked_at_by_it(name: str) -> None:
    raw = frame((40, 50), "BGGR")
    known = facts(raw, 2.0, rendering(raw, 2.0))
    network = FROM_MOSAIC[name](**SMALL[name]).eval().requires_grad_(False)
    given = tensors(raw, known)
    with torch.inference_mode(), Watch() as watch:
        develop(*given, layout=known.layout, predict=network)
    assert "aten.index_select.default" in watch.steps
    assert not watch.waits


@pytest.mark.gpu
@pytest.mark.parametrize("tone", sorted(TONES))
def test_a_gpu_gives_the_pixels_of_the_cpu(tone: str, cuda: str) -> None:
    raw = frame((123, 210), "GBRG", orientation=8)
    known = facts(raw, 4.0, rendering(raw, 4.0, tone))
    on_gpu = [tensor.to(cuda) for tensor in tensors(raw, known)]
    with torch.inference_mode():
        levels, _ = develop(*on_gpu, layout=known.layout, predict=enlarged)
    pixels = upright(levels, 8).cpu().numpy().view(np.uint16)
    assert apart(pixels, developed(raw, known, enlarged)[0]) <= LEVELS
