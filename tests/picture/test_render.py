import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darkroom.errors import FileProblem, UsageProblem
from darkroom.measure.colour_difference import delta_e_76, srgb_to_lab
from darkroom.picture import desk
from darkroom.picture.render import (
    SRGB_TO_XYZ,
    TURN_BACK,
    TURNS,
    Rendering,
    camera_to_srgb,
    quantise,
    quantise_into,
    render,
    render_into,
    turn,
    upright_frame,
)
from darkroom.picture.tone import TONES, srgb_decode, srgb_encode

NO_MATRIX = np.eye(3)
# A full-frame camera's XYZ -> camera RGB, rounded; its white is far from (1, 1, 1).
CAMERA = np.array([[0.66, -0.19, -0.05], [-0.46, 1.23, 0.26], [-0.06, 0.14, 0.65]])
# The 24 patches of a colour chart as 8-bit sRGB, after the published values of the ColorChecker.
CHART = [
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177),
    (103, 189, 170), (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108),
    (157, 188, 64), (224, 163, 46), (56, 61, 150), (70, 148, 73), (175, 54, 60),
    (231, 199, 31), (187, 86, 149), (8, 133, 161), (243, 243, 242), (200, 200, 200),
    (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
]  # fmt: skip


def flat(red, green, blue, shape=(4, 5)):
    return np.broadcast_to(np.float32([red, green, blue])[:, None, None], (3, *shape)).copy()


def photographed(linear_srgb, xyz_to_camera):
    """Return what a camera records of (N, 3) linear sRGB colours, white-balanced: (3, 1, N)."""
    srgb_to_camera = xyz_to_camera @ SRGB_TO_XYZ
    counts = linear_srgb @ srgb_to_camera.T
    white_balance = 1 / srgb_to_camera.sum(axis=1)
    return (counts * white_balance).T[:, None].astype(np.float32)


def cameras():
    entry = st.floats(-0.25, 0.25)
    shifts = st.lists(entry, min_size=9, max_size=9).map(lambda v: np.reshape(v, (3, 3)))
    gains = st.lists(st.floats(0.2, 3), min_size=3, max_size=3).map(np.diag)
    return st.tuples(shifts, gains).map(lambda p: p[1] @ (np.linalg.inv(SRGB_TO_XYZ) + p[0]))


@given(cameras(), st.floats(0.002, 0.65), st.sampled_from(sorted(TONES)))
@settings(max_examples=60, deadline=None)
def test_a_grey_card_stays_grey_and_keeps_its_brightness(xyz_to_camera, grey, tone):
    assume(np.linalg.cond(xyz_to_camera) < 30)
    assume((xyz_to_camera @ SRGB_TO_XYZ).sum(axis=1).min() > 0)
    matrix = camera_to_srgb(xyz_to_camera)
    card = photographed(np.full((1, 3), grey), xyz_to_camera)
    picture = render(card, camera_to_srgb=matrix, tone=tone) / 65535
    np.testing.assert_allclose(picture, np.full((1, 1, 3), TONES[tone](grey)), atol=1e-4)


def test_a_colour_chart_comes_back():
    chart = np.array(CHART) / 255
    camera = photographed(srgb_decode(chart), CAMERA)
    picture = render(camera, camera_to_srgb=camera_to_srgb(CAMERA), tone="srgb")
    error = delta_e_76(srgb_to_lab(chart), srgb_to_lab(picture[0] / 65535))
    assert error.max() < 0.05


def test_without_the_matrix_the_chart_is_wrong():
    chart = np.array(CHART) / 255
    camera = photographed(srgb_decode(chart), CAMERA)
    picture = render(camera, camera_to_srgb=NO_MATRIX, tone="srgb")
    assert delta_e_76(srgb_to_lab(chart), srgb_to_lab(picture[0] / 65535)).mean() > 5


def test_matrix_rows_sum_to_1_and_undo_the_camera():
    matrix = camera_to_srgb(CAMERA)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    colours = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.4]])
    seen = photographed(colours, CAMERA)[:, 0]
    np.testing.assert_allclose((matrix @ seen).T, colours, atol=1e-6)


@pytest.mark.parametrize(
    "useless",
    [np.zeros((3, 3)), np.ones((3, 3)), -CAMERA, np.full((3, 3), np.nan), CAMERA * [[1], [0], [1]]],
    ids=["zeros", "singular", "negative", "nan", "one row missing"],
)
def test_a_useless_matrix_is_refused(useless):
    with pytest.raises(FileProblem, match=r"E_METADATA.*colour matrix"):
        camera_to_srgb(useless)


def test_a_blown_area_is_neutral_though_its_channels_saturate_apart():
    saturation = (2.1, 1.0, 1.6)
    blown = flat(*saturation)
    options = {"camera_to_srgb": camera_to_srgb(CAMERA), "tone": "standard"}
    picture = render(blown, **options, saturation=saturation).astype(int)
    assert np.ptp(picture, axis=-1).max() <= 2
    assert picture.min() > 0.93 * 65535
    magenta = render(blown, **options).astype(int)
    assert np.ptp(magenta, axis=-1).min() > 1000  # what the clip is for


def test_a_sensor_that_is_full_below_its_white_level_is_neutral_too():
    blown = flat(1.41, 0.95, 1.43)  # green never reaches the 1.0 that the file claims
    options = {"camera_to_srgb": camera_to_srgb(CAMERA), "saturation": (1.5, 1.0, 1.5)}
    picture = render(blown, tone="srgb", **options).astype(int)
    assert np.ptp(picture, axis=-1).max() <= 2


@pytest.mark.parametrize("tone", TONES)
def test_levels_are_those_of_the_exact_curve(tone):
    ramp = np.geomspace(1e-6, 900, 30000).astype(np.float32)
    picture = render(np.stack([ramp[None]] * 3), camera_to_srgb=NO_MATRIX, tone=tone)
    exact = TONES[tone](ramp.astype(np.float64)) * 65535
    assert np.abs(picture[0] - exact[:, None]).max() <= 2
    assert np.diff(picture[0, :, 0].astype(int)).min() >= 0


def test_a_smooth_ramp_has_no_bands():
    ramp = srgb_decode(np.linspace(0, 1, 65536)).astype(np.float32)
    picture = render(np.stack([ramp[None]] * 3), camera_to_srgb=NO_MATRIX, tone="srgb")
    levels = np.unique(picture[..., 1])
    assert len(levels) > 50000
    assert np.diff(levels.astype(int)).max() <= 3


@pytest.mark.parametrize("tone", TONES)
def test_nothing_wraps_round(tone):
    extremes = np.float32([-3e38, -1e9, -1, 1e-45, 1e9, 3e38])
    linear = np.stack(np.meshgrid(extremes, extremes, extremes)).reshape(3, 12, 18)
    picture = render(linear, camera_to_srgb=camera_to_srgb(CAMERA), tone=tone)
    bright = (linear >= 1e9).all(axis=0)
    dark = (linear <= 1e-40).all(axis=0)
    assert picture[bright].min() >= 65530
    assert picture[dark & (linear.max(axis=0) == linear.min(axis=0))].max() == 0


def test_colours_outside_srgb_are_clipped_at_black_not_wrapped():
    picture = render(flat(0.0, 1.0, 0.0), camera_to_srgb=camera_to_srgb(CAMERA), tone="srgb")
    assert picture[..., 0].max() == 0
    assert picture[..., 1].min() == 65535


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_numbers_are_refused(poison):
    linear = flat(0.1, 0.1, 0.1, (130, 3))
    linear[1, 129, 2] = poison
    with pytest.raises(FileProblem, match="E_NONFINITE"):
        render(linear, camera_to_srgb=NO_MATRIX, tone="srgb", saturation=(1.0, 1.0, 1.0))


def test_an_unknown_tone_lists_the_known_ones():
    with pytest.raises(UsageProblem, match=r"sepia.*srgb, standard, linear, libraw"):
        render(flat(0, 0, 0), camera_to_srgb=NO_MATRIX, tone="sepia")


# Where the first row (A B C) of a stored 2 x 3 picture is seen, TIFF 6.0, tag 274.
UPRIGHT = {
    1: ["ABC", "DEF"],
    2: ["CBA", "FED"],
    3: ["FED", "CBA"],
    4: ["DEF", "ABC"],
    5: ["AD", "BE", "CF"],
    6: ["DA", "EB", "FC"],
    7: ["FC", "EB", "DA"],
    8: ["CF", "BE", "AD"],
}


@pytest.mark.parametrize(("orientation", "upright"), UPRIGHT.items())
def test_every_orientation_is_turned_upright(orientation, upright):
    stored = np.array([list(b"ABC"), list(b"DEF")])
    linear = np.stack([stored / 255] * 3).astype(np.float32)
    picture = render(linear, camera_to_srgb=NO_MATRIX, tone="linear", orientation=orientation)
    letters = np.rint(picture[..., 0] / 65535 * 255).astype(np.uint8)
    assert [row.tobytes().decode() for row in letters] == upright
    assert picture.flags.c_contiguous
    turned = turn(np.uint16(stored)[..., None], orientation)
    np.testing.assert_array_equal(turned[..., 0], letters)


def light(rows, columns):
    """Return a picture with deep shadows, colours out of gamut, highlights and lights beyond."""
    rng = np.random.default_rng(rows * columns)
    linear = np.exp(rng.uniform(-9, 2.5, (3, rows, columns))).astype(np.float32)
    return np.where(rng.random(linear.shape) < 0.1, -linear, linear)


STANDARD = Rendering(camera_to_srgb(CAMERA), "standard", (6.0, 3.0, 5.0))
LAYOUTS = {
    "planar": np.ascontiguousarray,
    "interleaved": lambda linear: np.moveaxis(np.moveaxis(linear, 0, -1).copy(), -1, 0),
    "every second pixel": lambda linear: linear.repeat(2, axis=2)[..., ::2],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("orientation", TURNS)
def test_no_cut_into_tiles_shows(orientation, layout):
    linear = LAYOUTS[layout](light(301, 211))
    upright, sensor_view = upright_frame(301, 211, orientation)
    whole, _ = upright_frame(301, 211, orientation)
    render_into(turn(whole, TURN_BACK[orientation]), linear, STANDARD)
    for rows in (slice(0, 97), slice(97, 98), slice(98, 301)):
        for columns in (slice(0, 1), slice(1, 130), slice(130, 211)):
            render_into(sensor_view[rows, columns], linear[:, rows, columns], STANDARD)
    np.testing.assert_array_equal(upright, whole)


@pytest.mark.parametrize("pixels", [1, 70, 211, 50_000])
def test_the_size_of_strips_does_not_show(pixels, monkeypatch):
    linear = light(150, 211)
    whole = render(linear, camera_to_srgb=STANDARD.camera_to_srgb, tone="standard")
    monkeypatch.setattr(desk, "PIXELS", pixels)
    part = render(linear, camera_to_srgb=STANDARD.camera_to_srgb, tone="standard")
    np.testing.assert_array_equal(part, whole)


def test_pixels_are_rendered_as_if_they_were_alone():
    linear = light(3, 5)
    whole, alone = np.empty((2, 3, 5, 3), np.uint16)
    render_into(whole, linear, STANDARD)
    for row, column in np.ndindex(3, 5):
        pixel = np.s_[row : row + 1, column : column + 1]
        render_into(alone[pixel], linear[(slice(None), *pixel)], STANDARD)
    np.testing.assert_array_equal(alone, whole)


@pytest.mark.parametrize("orientation", TURNS)
def test_the_view_of_the_sensor_fills_the_upright_picture(orientation):
    upright, sensor_view = upright_frame(2, 3, orientation)
    sensor_view[...] = np.arange(18).reshape(2, 3, 3)
    assert upright.flags.c_contiguous
    assert sensor_view.shape == (2, 3, 3)
    np.testing.assert_array_equal(turn(sensor_view, orientation), upright)


def test_a_rendered_frame_is_its_rendered_tiles():
    linear = light(140, 20)
    whole = render(
        linear,
        camera_to_srgb=STANDARD.camera_to_srgb,
        tone=STANDARD.tone,
        saturation=STANDARD.saturation,
        orientation=8,
    )
    upright, sensor_view = upright_frame(140, 20, 8)
    render_into(sensor_view[:70], linear[:, :70], STANDARD)
    render_into(sensor_view[70:], linear[:, 70:], STANDARD)
    np.testing.assert_array_equal(upright, whole)


def test_the_input_is_left_alone():
    linear = flat(3.0, 1.0, -0.2)
    before = linear.copy()
    render(linear, camera_to_srgb=NO_MATRIX, tone="srgb", saturation=(2.0, 1.0, 1.5))
    np.testing.assert_array_equal(linear, before)


def test_mid_grey_keeps_the_brightness_the_ratio_gave_it():
    picture = render(flat(0.18, 0.18, 0.18), camera_to_srgb=NO_MATRIX, tone="standard")
    assert picture[0, 0, 0] == pytest.approx(65535 * float(srgb_encode(0.18)), abs=2)


def test_a_finished_picture_is_turned_rounded_and_clipped():
    srgb = np.float32([[[0.0, 0.5]], [[1.5, 1.0]], [[-0.2, 0.25]]])
    pixels = quantise(srgb, orientation=3)
    assert pixels.tolist() == [[[32768, 65535, 16384], [0, 65535, 0]]]
    with pytest.raises(FileProblem, match="E_NONFINITE"):
        quantise(np.full((3, 1, 1), np.nan, np.float32))


def test_tiles_of_a_finished_picture_find_their_place():
    srgb = np.random.default_rng(5).uniform(-0.2, 1.2, (3, 140, 9)).astype(np.float32)
    upright, sensor_view = upright_frame(140, 9, 6)
    for rows in (slice(0, 33), slice(33, 140)):
        quantise_into(sensor_view[rows], srgb[:, rows])
    np.testing.assert_array_equal(upright, quantise(srgb, orientation=6))


def test_grey_gets_three_equal_channels():
    grey = np.linspace(0, 1, 12, dtype=np.float32).reshape(1, 3, 4)
    assert np.ptp(quantise(grey), axis=-1).max() == 0


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_tile_that_is_no_picture_is_refused(poison):
    tile = np.full((3, 4, 4), 0.5, np.float32)
    tile[2, 3, 3] = poison
    view = np.empty((4, 4, 3), np.uint16)
    for fill in (lambda: render_into(view, tile, STANDARD), lambda: quantise_into(view, tile)):
        with pytest.raises(FileProblem, match="E_NONFINITE"):
            fill()


def test_white_is_white_in_a_frame_that_holds_nothing_brighter():
    white = np.ones((3, 4, 4), np.float32)
    options = {"camera_to_srgb": np.eye(3), "tone": "standard"}
    assert render(white, saturation=(2.0, 1.0, 1.5), **options).min() >= 65534
    assert render(white, saturation=(200.0, 100.0, 150.0), **options).max() < 0.95 * 65535
