import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest

from darkroom.camera.bayer import PHASES
from darkroom.camera.exif import EXPOSURE_TIME
from darkroom.camera.limits import Limits
from darkroom.camera.raw import MONO, Exposure, NoiseLevel
from darkroom.camera.read import (
    RAW_SUFFIXES,
    checked_pixels,
    decode,
    is_raw_name,
    read_raw,
)
from darkroom.errors import FailureCode, FileProblem
from tests.raw_files import (
    ASCII,
    BYTE,
    DOUBLE,
    EXIF,
    LONG,
    MATRIX,
    MONOCHROME,
    NEUTRAL,
    RATIONAL,
    SHORT,
    SRATIONAL,
    UNDEFINED,
    dng_bytes,
    dng_entries,
    noisy_mosaic,
    rationals,
    tiff_bytes,
)

BY_POSITION = (512, 513, 514, 515)


def refusal(path) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        read_raw(path)
    return caught.value


def same_matrix(found, wanted) -> bool:
    """Whether matrices agree up to the scale of their rows, which white balance absorbs."""
    return np.allclose(found / found[:, 1:2], wanted / wanted[:, 1:2], atol=0.02)


@pytest.mark.parametrize("phase", PHASES)
def test_reads_every_phase_with_the_pixels_untouched(dng, phase):
    mosaic = noisy_mosaic()
    raw = read_raw(dng(mosaic=mosaic, phase=phase))
    assert raw.phase == phase
    assert np.array_equal(raw.mosaic, mosaic)
    assert raw.mosaic.flags.owndata
    assert raw.warnings == ()


def test_takes_a_text_path_and_a_path(dng):
    path = dng()
    assert np.array_equal(read_raw(str(path)).mosaic, read_raw(path).mosaic)


def test_content_decides_not_the_name(dng):
    assert read_raw(dng("renamed.jpg")).camera == "Testmaker One"


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 there")
def test_reads_a_name_outside_utf8(dng, tmp_path):
    odd = tmp_path / os.fsdecode(b"caf\xe9.dng")
    try:
        dng().rename(odd)
    except OSError:
        pytest.skip("the file system wants UTF-8 names")
    assert read_raw(odd).phase == "RGGB"


@pytest.mark.parametrize("phase", PHASES)
def test_black_belongs_to_positions_not_to_colour_indices(dng, phase):
    assert read_raw(dng(phase=phase, black=BY_POSITION)).black == BY_POSITION


def test_four_blacks_without_their_repeat_dim_are_still_read(dng):
    raw = read_raw(dng(black=BY_POSITION, change={50713: None}))
    assert raw.black == BY_POSITION
    assert any("BlackLevelRepeatDim" in warning for warning in raw.warnings)


def test_one_black_level_serves_all_positions(dng):
    change = {50713: (SHORT, (1, 1)), 50714: (SHORT, (600,))}
    assert read_raw(dng(change=change)).black == (600,) * 4


def test_warns_where_black_is_not_stated_and_no_pixel_is_near_zero(dng):
    raw = read_raw(dng(change={50713: None, 50714: None}))
    assert raw.black == (0,) * 4
    assert any("no black level" in warning for warning in raw.warnings)


def test_white_is_the_lowest_of_what_the_file_states(dng):
    assert read_raw(dng(white=16300)).white == 16300


@pytest.mark.parametrize(("black", "white"), [(20000, 16383), (16383, 16383), (512, 0)])
def test_black_at_or_above_white_is_refused(dng, black, white):
    assert refusal(dng(black=(black,) * 4, white=white)).code == FailureCode.METADATA


def test_white_balance_has_green_at_one(dng):
    assert read_raw(dng()).white_balance == pytest.approx((2.0, 1.0, 1.6), rel=1e-4)


def test_a_stated_white_balance_of_ones_is_believed(dng):
    raw = read_raw(dng(change={50728: (RATIONAL, (1, 1, 1, 1, 1, 1))}))
    assert raw.white_balance == (1.0, 1.0, 1.0)
    assert raw.warnings == ()


def test_white_balance_from_a_white_point_matches_the_neutral_it_stands_for(dng):
    d65 = (0.3127, 0.3290)
    change = {50728: None, 50729: (RATIONAL, rationals(d65))}
    raw = read_raw(dng(change=change))
    neutral = MATRIX @ [d65[0] / d65[1], 1.0, (1 - sum(d65)) / d65[1]]
    assert raw.white_balance == pytest.approx(tuple(neutral[1] / neutral), rel=1e-2)
    assert raw.warnings == ()


def test_white_balance_falls_back_to_daylight_with_a_warning(dng):
    raw = read_raw(dng(change={50728: None}))
    neutral = MATRIX @ [0.9505, 1.0, 1.0891]
    assert raw.white_balance == pytest.approx(tuple(neutral[1] / neutral), rel=1e-2)
    assert any("daylight" in warning for warning in raw.warnings)


@pytest.mark.parametrize("neutral", [(0, 1, 1, 1, 1, 1), (1, 0, 1, 1, 1, 1)])
def test_a_broken_neutral_counts_as_missing(dng, neutral):
    raw = read_raw(dng(change={50728: (RATIONAL, neutral)}))
    assert min(raw.white_balance) > 0
    assert np.isfinite(raw.white_balance).all()
    assert any("white balance" in warning for warning in raw.warnings)


def test_white_balance_falls_back_to_a_grey_world(dng):
    mosaic = noisy_mosaic()
    mosaic[0::2, 0::2] = 512 + (mosaic[0::2, 0::2] - 512) // 2
    raw = read_raw(dng(mosaic=mosaic, change={50728: None, 50721: None, 50778: None}))
    assert raw.white_balance == pytest.approx((2.0, 1.0, 1.0), rel=0.15)
    assert any("grey" in warning for warning in raw.warnings)


def test_matrix_of_an_unknown_camera_comes_from_the_file(dng):
    assert np.allclose(read_raw(dng()).xyz_to_camera, MATRIX, atol=1e-4)


def test_the_daylight_matrix_of_two_is_chosen(dng):
    warm = MATRIX * [[1.2], [1.0], [0.8]] + 0.02
    for first, second in (((17, warm), (21, MATRIX)), ((21, MATRIX), (17, warm))):
        change = {
            50721: (SRATIONAL, rationals(first[1])),
            50778: (SHORT, (first[0],)),
            50722: (SRATIONAL, rationals(second[1])),
            50779: (SHORT, (second[0],)),
        }
        assert np.allclose(read_raw(dng(change=change)).xyz_to_camera, MATRIX, atol=1e-4)


KNOWN_CAMERA = {
    271: (ASCII, "NIKON CORPORATION"),
    272: (ASCII, "NIKON D850"),
    50708: (ASCII, "NIKON CORPORATION NIKON D850"),
}


def test_what_a_dng_states_of_a_known_camera_is_believed(dng):
    # LibRaw would put its own matrix and white level (15329 for this camera) in their place.
    raw = read_raw(dng(change=KNOWN_CAMERA, white=16300))
    assert np.allclose(raw.xyz_to_camera, MATRIX, atol=1e-3)
    assert raw.white == 16300


def test_matrix_of_a_known_camera_comes_from_libraw_if_the_file_has_none(dng):
    raw = read_raw(dng(change={**KNOWN_CAMERA, 50721: None}))
    assert np.linalg.det(raw.xyz_to_camera) > 0
    assert not np.allclose(raw.xyz_to_camera, MATRIX, atol=1e-2)
    assert not raw.warnings


@pytest.mark.parametrize("entry", [None, (SRATIONAL, (1, 1) * 9), (SRATIONAL, (1, 0) * 9)])
def test_without_a_usable_matrix_colours_are_taken_as_srgb(dng, entry):
    raw = read_raw(dng(change={50721: entry}))
    assert np.isfinite(raw.xyz_to_camera).all()
    assert abs(np.linalg.det(raw.xyz_to_camera)) > 1e-3


def test_noise_profile_is_read_for_each_plane(dng):
    values = (1e-4, 1e-7, 2e-4, 2e-7, 3e-4, 3e-7)
    raw = read_raw(dng(change={51041: (DOUBLE, values)}))
    assert raw.noise_profile == NoiseLevel((1e-4, 2e-4, 3e-4, 2e-4), (1e-7, 2e-7, 3e-7, 2e-7))


@pytest.mark.parametrize("values", [(-1.0, 0.1), (float("nan"), 0.1), (0.0, 0.0), (1e-4,) * 4])
def test_an_unusable_noise_profile_is_left_out_with_a_warning(dng, values):
    raw = read_raw(dng(change={51041: (DOUBLE, values)}))
    assert raw.noise_profile is None
    assert any("noise profile" in warning for warning in raw.warnings)


def test_exposure_lens_and_entries_are_read(dng):
    raw = read_raw(dng())
    assert raw.exposure.seconds == pytest.approx(1 / 30)
    assert raw.exposure.iso == 1600
    assert raw.exposure.aperture == pytest.approx(2.8)
    assert raw.lens == "Testlens 35mm F1.4"
    assert ("exif", EXPOSURE_TIME, RATIONAL, (1, 30)) in raw.exif


@pytest.mark.parametrize(
    "exif",
    [None, {33434: (RATIONAL, (0, 1)), 33437: (RATIONAL, (0, 1)), 34855: (SHORT, (0,))}],
)
def test_missing_and_zero_exposure_become_none_with_a_warning(dng, exif):
    raw = read_raw(dng(exif=exif))
    assert raw.exposure == Exposure()
    assert any("shutter, ISO, aperture" in warning for warning in raw.warnings)


def test_texts_lose_control_characters_and_length(dng):
    change = {271: (ASCII, "Te\x1b[31mst\nmaker"), 272: (ASCII, "M" * 70_000)}
    raw = read_raw(dng(change=change))
    assert raw.make == "Te[31mstmaker"
    assert len(raw.model) <= 4096


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_survives(dng, orientation):
    raw = read_raw(dng(change={274: (SHORT, (orientation,))}))
    assert raw.orientation == orientation
    assert raw.mosaic.shape == (96, 128)


def test_absurd_orientation_still_gives_a_valid_one(dng):
    assert read_raw(dng(change={274: (SHORT, (77,))})).orientation in range(1, 9)


def test_odd_active_area_keeps_colours_in_place(dng):
    mosaic = noisy_mosaic()
    mosaic[1::2, 1::2] += 5000  # red: the pattern begins at the active area, on row 3, column 5
    raw = read_raw(dng(mosaic=mosaic, change={50829: (LONG, (3, 5, 93, 121))}))
    red_row, red_column = divmod(raw.phase.index("R"), 2)
    planes = [raw.mosaic[row::2, column::2].mean() for row in (0, 1) for column in (0, 1)]
    assert int(np.argmax(planes)) == 2 * red_row + red_column


def test_odd_sizes_are_read(dng):
    assert read_raw(dng(mosaic=noisy_mosaic((97, 131)))).mosaic.shape == (97, 131)


def test_float_dng_is_read(tmp_path):
    linear = np.random.default_rng(0).random((64, 64), np.float32)
    change = {339: (SHORT, (3,)), 50714: (SHORT, (0,)), 50713: (SHORT, (1, 1))}
    path = tmp_path / "float.dng"
    path.write_bytes(dng_bytes(linear, white=1, change=change))
    raw = read_raw(path)
    assert np.allclose(raw.mosaic / raw.white, linear, atol=1e-3)


def test_quad_bayer_is_refused_by_name(dng):
    quad = bytes((0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2))
    problem = refusal(dng(change={33421: (SHORT, (4, 4)), 33422: (BYTE, quad)}))
    assert problem.code == FailureCode.NOT_BAYER
    assert "Quad-Bayer" in str(problem)


def test_x_trans_is_refused_by_name(dng):
    change = {33421: (SHORT, (6, 6)), 33422: (BYTE, bytes((1, 0, 2, 1, 2, 0) * 6))}
    problem = refusal(dng(change=change))
    assert problem.code == FailureCode.NOT_BAYER
    assert "X-Trans" in str(problem)


@pytest.mark.parametrize("colours", [(9, 9, 9, 9), (0, 0, 0, 0), (0, 1, 2, 3), (0, 0, 1, 2)])
def test_other_colour_filters_are_refused(dng, colours):
    assert refusal(dng(change={33422: (BYTE, bytes(colours))})).code == FailureCode.NOT_BAYER


def test_greens_in_one_row_are_refused(dng):
    problem = refusal(dng(change={33422: (BYTE, bytes((1, 1, 0, 2)))}))
    assert problem.code == FailureCode.NOT_BAYER


def test_linear_dng_is_refused_as_already_demosaiced(tmp_path):
    picture = np.random.default_rng(0).integers(0, 60000, (64, 64, 3), dtype=np.uint16)
    entries = dng_entries(picture.shape, "RGGB", (0,), 65535, 16)
    for tag in (33421, 33422, 50710, 50711):
        del entries[tag]
    entries |= {262: (SHORT, (34892,)), 277: (SHORT, (3,)), 258: (SHORT, (16, 16, 16))}
    entries |= {50713: (SHORT, (1, 1)), 50714: (SHORT, (0, 0, 0)), 50717: (SHORT, (65535,) * 3)}
    path = tmp_path / "linear.dng"
    path.write_bytes(tiff_bytes(entries, picture.tobytes()))
    problem = refusal(path)
    assert problem.code == FailureCode.NOT_BAYER
    assert "already demosaiced" in str(problem)


def test_monochrome_dng_is_refused(dng):
    change = {33421: None, 33422: None, 50710: None, 50711: None, 262: (SHORT, (34892,))}
    problem = refusal(dng(change=change))
    assert problem.code == FailureCode.NOT_BAYER
    assert "monochrome" in str(problem)


@pytest.fixture
def mono(dng):
    """Write a monochrome DNG; options as in `raw_files.dng_bytes`."""

    def write(change=None, **options):
        return dng("mono.dng", change={**MONOCHROME, **(change or {})}, **options)

    return write


@pytest.mark.parametrize("photometric", [34892, 32803])
def test_a_monochrome_frame_is_read_where_it_is_wanted(mono, photometric):
    path = mono({262: (SHORT, (photometric,))})
    raw = read_raw(path, monochrome=True)
    assert raw.phase == MONO
    assert np.array_equal(raw.mosaic, noisy_mosaic())
    assert (raw.black, raw.white) == ((512,) * 4, 16383)
    assert (raw.white_balance, raw.xyz_to_camera.tolist()) == ((1, 1, 1), np.eye(3).tolist())
    assert (raw.camera, raw.exposure.iso, raw.warnings) == ("Testmaker One", 1600, ())
    assert refusal(path).code == FailureCode.NOT_BAYER


@pytest.mark.parametrize("camera", ["NIKON D850", "ILCE-7SM2", "LEICA M11 Monochrom"])
def test_monochrome_frames_of_known_cameras_are_read(mono, camera):
    change = dict.fromkeys((271, 272, 50708), (ASCII, camera))
    assert np.array_equal(read_raw(mono(change), monochrome=True).mosaic, noisy_mosaic())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_monochrome_frame_survives(mono, orientation):
    raw = read_raw(mono({274: (SHORT, (orientation,))}), monochrome=True)
    assert raw.orientation == orientation
    assert raw.mosaic.shape == (96, 128)


@pytest.mark.parametrize("area", [(2, 4, 94, 122), (3, 5, 92, 121)])
def test_the_active_area_of_a_monochrome_frame_is_cut_out(mono, area):
    top, left, bottom, right = area
    raw = read_raw(mono({50829: (LONG, area)}), monochrome=True)
    assert np.array_equal(raw.mosaic, noisy_mosaic()[top:bottom, left:right])


def test_black_of_a_monochrome_frame_may_differ_by_position(mono):
    change = {50713: (SHORT, (2, 2)), 50714: (SHORT, BY_POSITION)}
    assert read_raw(mono(change), monochrome=True).black == BY_POSITION
    change[50829] = (LONG, (3, 5, 92, 121))  # the pattern begins there
    assert read_raw(mono(change), monochrome=True).black == BY_POSITION


def test_a_float_monochrome_dng_is_read(mono):
    linear = np.random.default_rng(0).random((64, 64), np.float32)
    change = {339: (SHORT, (3,)), 50714: (SHORT, (0,))}
    raw = read_raw(mono(change, mosaic=linear, white=1), monochrome=True)
    assert np.allclose(raw.mosaic / raw.white, linear, atol=1e-3)


def test_damaged_monochrome_frames_are_refused(mono):
    zeroed = noisy_mosaic()
    zeroed[50:] = 0
    for mosaic, code in (
        (zeroed, FailureCode.CORRUPT),
        (np.full((64, 64), 700, np.uint16), FailureCode.BLACK),
        (noisy_mosaic(low=100, high=500), FailureCode.BLACK),
    ):
        path = mono(mosaic=mosaic)
        with pytest.raises(FileProblem) as caught:
            read_raw(path, monochrome=True)
        assert caught.value.code == code
        assert read_raw(path, monochrome=True, allow_suspect=True).doubts


def test_frames_without_mosaic_but_with_colours_stay_refused(dng):
    change = {33421: (SHORT, (6, 6)), 33422: (BYTE, bytes((1, 0, 2, 1, 2, 0) * 6))}
    with pytest.raises(FileProblem, match="X-Trans"):
        read_raw(dng(change=change), monochrome=True)


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_tiff_named_dng_is_refused(tmp_path, photometric):
    grey = noisy_mosaic()
    entries = {
        tag: entry
        for tag, entry in dng_entries(grey.shape, "RGGB", (0,), 65535, 16).items()
        if tag < 300 and tag not in (271, 272)
    }
    path = tmp_path / "grey.dng"
    entries[262] = (SHORT, (photometric,))
    path.write_bytes(tiff_bytes(entries, grey.tobytes()))
    problem = refusal(path)
    assert problem.code == FailureCode.NOT_RAW
    assert "TIFF" in str(problem)


def test_gopro_compression_is_named_as_unsupported(dng):
    problem = refusal(dng("frame.gpr", change={259: (SHORT, (9,))}))
    assert problem.code == FailureCode.UNSUPPORTED
    assert "GoPro" in str(problem)


@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_every_cut_is_refused(tmp_path, kept):
    whole = dng_bytes(noisy_mosaic())
    path = tmp_path / "cut.dng"
    path.write_bytes(whole[: int(kept * len(whole))])
    assert refusal(path).code == FailureCode.TRUNCATED


def test_one_missing_byte_is_refused(tmp_path):
    path = tmp_path / "cut.dng"
    path.write_bytes(dng_bytes(noisy_mosaic())[:-1])
    assert refusal(path).code == FailureCode.TRUNCATED


def test_a_zeroed_tail_is_refused(tmp_path):
    whole = dng_bytes(noisy_mosaic())
    path = tmp_path / "zeroed.dng"
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    problem = refusal(path)
    assert problem.code == FailureCode.CORRUPT
    assert "repeat" in str(problem)


def test_a_frame_of_one_value_is_refused(dng):
    assert refusal(dng(mosaic=np.full((64, 64), 700, np.uint16))).code == FailureCode.BLACK


def test_nothing_above_black_is_refused(dng):
    assert refusal(dng(mosaic=noisy_mosaic(low=100, high=500))).code == FailureCode.BLACK


def test_suspect_frames_are_read_with_a_warning_if_wanted(dng):
    zeroed = noisy_mosaic()
    zeroed[50:] = 0
    for mosaic, words in (
        (np.full((64, 64), 700, np.uint16), "same value"),
        (noisy_mosaic(low=100, high=500), "above the black level"),
        (zeroed, "repeat each other"),
    ):
        raw = read_raw(dng(mosaic=mosaic), allow_suspect=True)
        assert np.array_equal(raw.mosaic, mosaic)
        assert len(raw.doubts) == 1
        assert words in raw.doubts[0]


def test_the_size_is_told_before_memory_is_asked_for(dng):
    told: list[object] = []

    def allocate(shape):
        told.append(shape)
        return np.full(shape, 1, np.uint16)

    with dng().open("rb") as file:
        raw = decode(file, announce=told.append, allocate=allocate)
    assert told == [96 * 128, (96, 128)]
    assert np.array_equal(raw.mosaic, noisy_mosaic())


def test_a_file_that_cannot_hold_its_pixels_is_refused_after_opening_too():
    class Opened:
        sizes = type("Sizes", (), {"raw_height": 62_928, "raw_width": 2754})

    assert checked_pixels(Opened(), 10**9, Limits()) == 62_928 * 2754
    with pytest.raises(FileProblem, match="cannot hold 2754 x 62928") as caught:
        checked_pixels(Opened(), 12_000, Limits())
    assert caught.value.code == FailureCode.TRUNCATED
    with pytest.raises(FileProblem) as caught:
        checked_pixels(Opened(), 10**9, Limits(max_pixels=10**8))
    assert caught.value.code == FailureCode.TOO_BIG


def test_random_bytes_are_not_raw(tmp_path):
    path = tmp_path / "noise.ARW"
    path.write_bytes(np.random.default_rng(1).bytes(5000))
    assert refusal(path).code == FailureCode.NOT_RAW


def test_rgb_tiff_is_not_raw(tmp_path):
    picture = noisy_mosaic((64, 192)).tobytes()
    entries = dng_entries((64, 64), "RGGB", (0,), 65535, 16)
    entries = {tag: entry for tag, entry in entries.items() if tag < 300}
    entries |= {262: (SHORT, (2,)), 277: (SHORT, (3,)), 258: (SHORT, (16, 16, 16))}
    path = tmp_path / "photo.ARW"
    path.write_bytes(tiff_bytes(entries, picture))
    problem = refusal(path)
    assert problem.code == FailureCode.NOT_RAW
    assert "TIFF picture" in str(problem)


def test_decoder_noise_stays_out_of_the_terminal(tmp_path, capfd):
    # Lossless JPEG that ends after its header: LibRaw complains on file descriptor 2.
    frame = struct.pack(">BHHBBBBBBB", 16, 96, 64, 2, 0, 0x11, 0, 1, 0x11, 0)
    codes = bytes((0, 0, 0, 0, 0, 17)) + bytes(11) + bytes(range(17))
    scan = bytes((2, 0, 0, 1, 0, 1, 0, 0))
    jpeg = b"\xff\xd8"
    for marker, part in ((b"\xff\xc3", frame), (b"\xff\xc4", codes), (b"\xff\xda", scan)):
        jpeg += marker + struct.pack(">H", 2 + len(part)) + part
    entries = dng_entries((96, 128), "RGGB", (512,) * 4, 16383, 16) | {259: (SHORT, (7,))}
    path = tmp_path / "damaged.dng"
    path.write_bytes(tiff_bytes(entries, (jpeg + b"\xff\xd9").ljust(3000, b"\0")))
    assert refusal(path).code == FailureCode.CORRUPT
    assert capfd.readouterr() == ("", "")


def test_threads_may_decode_at_once(dng):
    path, found = dng(), []
    threads = [threading.Thread(target=lambda: found.append(read_raw(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [raw.phase for raw in found] == ["RGGB"] * 4


def test_too_many_pixels_are_refused_before_decoding(dng):
    change = {256: (LONG, (30_000,)), 257: (LONG, (30_000,))}
    assert refusal(dng(change=change)).code == FailureCode.TOO_BIG


def test_raw_names_are_known_by_their_ending():
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in RAW_SUFFIXES)
    assert is_raw_name(Path("a.ARW"))
    assert not is_raw_name("a.tif")


def test_maker_note_is_not_carried(dng):
    exif = {**EXIF, 37500: (UNDEFINED, b"secret" * 10)}
    assert all(entry[1] != 37500 for entry in read_raw(dng(exif=exif)).exif)


def test_neutral_of_the_writer_is_the_inverse_of_the_gains(dng):
    assert np.multiply(read_raw(dng()).white_balance, NEUTRAL) == pytest.approx(1.0, rel=1e-4)
