import numpy as np
import pytest

from darkroom.camera.bayer import (
    PHASES,
    amplified_planes,
    binned,
    border,
    linear_mosaic,
    pack,
    plane_gains,
    planes_of,
    red_offset,
    start_on_red,
    unpack,
    visible,
)
from darkroom.camera.raw import MONO, RawImage

SIZES = [(6, 8), (7, 8), (6, 9), (7, 9)]
LETTER = {"R": 10.0, "G": 20.0, "B": 30.0}


def coloured_mosaic(phase: str, shape: tuple[int, int]) -> np.ndarray:
    """Return a mosaic whose value says its colour."""
    cell = np.array([LETTER[letter] for letter in phase], np.float32).reshape(2, 2)
    return np.tile(cell, (shape[0] // 2 + 1, shape[1] // 2 + 1))[: shape[0], : shape[1]]


def frame(mosaic: np.ndarray, phase: str, black=(0.0,) * 4, white=1000.0) -> RawImage:
    return RawImage(mosaic.astype(np.uint16), phase, black, white, (1.0, 1.0, 1.0), np.eye(3))


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", SIZES)
def test_every_phase_and_size_becomes_r_g_b_g(phase, shape):
    planes = pack(start_on_red(coloured_mosaic(phase, shape), phase))
    assert [set(plane.ravel().tolist()) for plane in planes] == [{10.0}, {20.0}, {30.0}, {20.0}]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", SIZES)
def test_the_border_makes_sizes_even_and_is_cut_again(phase, shape):
    mosaic = np.random.default_rng(0).integers(0, 1000, shape).astype(np.float32)
    padded = start_on_red(mosaic, phase)
    assert padded.shape[0] % 2 == padded.shape[1] % 2 == 0
    picture = np.stack([padded] * 3)
    assert np.array_equal(visible(picture, frame(mosaic, phase))[0], mosaic)


def test_no_border_where_none_is_needed():
    assert border("RGGB", (4, 6)) == ((0, 0), (0, 0))


def test_unpack_inverts_pack():
    mosaic = np.random.default_rng(0).random((8, 6), np.float32)
    assert np.array_equal(unpack(pack(mosaic)), mosaic)


@pytest.mark.parametrize("phase", PHASES)
def test_red_offset_points_at_red(phase):
    row, column = red_offset(phase)
    assert phase[2 * row + column] == "R"


@pytest.mark.parametrize("shape", SIZES)
def test_black_becomes_zero_and_white_one_at_each_position(shape):
    black = (100.0, 110.0, 120.0, 130.0)
    dark = np.tile(np.reshape(black, (2, 2)), (5, 5))[: shape[0], : shape[1]]
    assert not linear_mosaic(frame(dark, "RGGB", black)).any()
    white = np.full(shape, 1000.0)
    assert linear_mosaic(frame(white, "RGGB", black)) == pytest.approx(1.0)


def test_noise_below_black_stays_negative():
    planes = planes_of(frame(np.full((4, 4), 90), "RGGB", (100.0,) * 4))
    assert (planes < 0).all()


def test_four_phases_of_one_scene_give_the_same_planes():
    scene = np.random.default_rng(0).integers(100, 900, (13, 15))
    whole = planes_of(frame(scene[:12, :14], "RGGB"))
    for phase in PHASES[1:]:
        top, left = red_offset(phase)  # start the frame so that red falls on the same pixels
        shifted = frame(scene[2 - top : 12, 2 - left : 14], phase)
        assert np.array_equal(planes_of(shifted)[:, top:, left:], whole[:, 1:, 1:])


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("shape", [*SIZES, (2, 2), (3, 2), (2, 3), (70, 66)])
def test_planes_are_the_packed_mosaic_in_one_pass(phase, shape):
    counts = np.random.default_rng(0).integers(0, 900, shape)
    raw = frame(counts, phase, (10.0, 20.0, 30.0, 40.0))
    packed = pack(start_on_red(linear_mosaic(raw), phase))
    np.testing.assert_array_equal(planes_of(raw), packed)
    gains = (200.0, 100.0, 150.0, 101.0)
    amplified = amplified_planes(raw, gains)
    np.testing.assert_allclose(amplified, packed * np.float32(gains)[:, None, None], rtol=1e-6)
    assert amplified.dtype == np.float32
    assert amplified.flags.c_contiguous


def test_both_greens_share_their_gain():
    assert plane_gains((2.0, 1.0, 1.5)) == (2.0, 1.0, 1.5, 1.0)


def test_binning_balances_and_keeps_blown_cells_neutral():
    mosaic = np.array([[100, 200], [200, 50]], np.uint16).repeat(1, 0)
    cells = np.hstack([mosaic, np.full((2, 2), 1000, np.uint16)])
    raw = RawImage(cells, "RGGB", (0.0,) * 4, 1000.0, (2.0, 1.0, 4.0), np.eye(3))
    np.testing.assert_allclose(binned(raw)[:, 0], [[0.2, 1], [0.2, 1], [0.2, 1]], atol=1e-6)


def test_nobody_finds_red_on_a_monochrome_sensor():
    raw = frame(np.ones((4, 4)), MONO)
    assert np.array_equal(linear_mosaic(raw), raw.mosaic / np.float32(1000))
    for step in (planes_of, binned, lambda raw: visible(np.ones((3, 4, 4)), raw)):
        with pytest.raises(ValueError):
            step(raw)
