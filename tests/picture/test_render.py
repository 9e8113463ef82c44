import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darkroom.errors import FileProblem, UsageProblem
from darkroom.measure.colour_difference import delta_e_76, srgb_to_lab
from darkroom.picture.render import (
    SRGB_TO_XYZ,
    camera_to_srgb,
    clip_highlights,
    quantise,
    render,
    turn,
)
from darkroom.picture.tone import TONES, srgb_decode, srgb_encode

NO_MATRIX = np.eye(3)
ONE = np.float32(1)
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


def test_colours_well_below_the_clip_are_untouched():
    below = np.random.default_rng(1).random((3, 90, 7), dtype=np.float32)
    below[1] *= 0.8  # no pixel has all channels near the clip
    np.testing.assert_allclose(clip_highlights(below, ONE), below, atol=1e-7)


def test_neutrals_keep_their_brightness_up_to_the_clip():
    greys = np.linspace(-0.1, 1, 500, dtype=np.float32)[None, None].repeat(3, axis=0)
    np.testing.assert_allclose(clip_highlights(greys, ONE), greys, atol=1e-7)


@pytest.mark.parametrize("hue", [(1.0, 0.6, 0.25), (1.4, 1.0, 1.3), (0.9, 1.0, 0.95)])
def test_highlights_fade_to_neutral_without_a_step(hue):
    light = np.float32(hue)[:, None] * np.linspace(0.5, 8, 4001, dtype=np.float32)
    faded = clip_highlights(light[:, None], ONE)[:, 0]
    assert np.diff(faded).min() >= -1e-6  # never darker
    assert np.abs(np.diff(faded)).max() < 0.01  # no step
    np.testing.assert_allclose(faded[:, -1], 1, atol=1e-6)


def test_highlights_never_change_the_order_of_channels():
    linear = np.random.default_rng(2).exponential(1, (3, 40, 40)).astype(np.float32)
    faded = clip_highlights(linear, ONE)
    before = np.diff(linear, axis=0)
    after = np.diff(faded, axis=0)
    assert (after * np.sign(before)).min() >= -1e-6


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


def test_strips_do_not_show():
    linear = np.random.default_rng(3).random((3, 200, 11), dtype=np.float32)
    options = {"camera_to_srgb": camera_to_srgb(CAMERA), "tone": "standard", "orientation": 6}
    whole = render(linear, **options).astype(int)
    for top in (0, 63, 64, 150):
        part = render(linear[:, top : top + 50], **options).astype(int)
        # orientation 6: the rows of the sensor run from right to left
        stop = whole.shape[1] - top
        assert np.abs(part - whole[:, stop - 50 : stop]).max() <= 1


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


def test_white_is_white_in_a_frame_that_holds_nothing_brighter():
    white = np.ones((3, 4, 4), np.float32)
    options = {"camera_to_srgb": np.eye(3), "tone": "standard"}
    assert render(white, saturation=(2.0, 1.0, 1.5), **options).min() >= 65534
    assert render(white, saturation=(200.0, 100.0, 150.0), **options).max() < 0.95 * 65535
