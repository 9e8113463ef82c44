from types import SimpleNamespace

import numpy as np
import pytest
import rawpy

from darkroom.camera.bayer import PHASES
from darkroom.camera.directories import Directory, Tiff
from darkroom.camera.layout import bayer_phase, cell_indices, check_declared_pattern, phase_of
from darkroom.camera.raw import MONO
from darkroom.errors import FailureCode, FileProblem

INDEX = {"RGGB": (0, 1, 3, 2), "GRBG": (1, 0, 2, 3), "GBRG": (1, 2, 0, 3), "BGGR": (2, 3, 1, 0)}


def decoded(cell, *, top=0, left=0, colours=b"RGBG", **changes):
    """Return what rawpy would offer for a sensor whose full area starts with `cell`."""
    pattern = np.array(cell, np.uint8).reshape(2, 2)
    values = {
        "raw_type": rawpy.RawType.Flat,
        "raw_pattern": pattern,
        "num_colors": 3,
        "color_desc": colours,
        "sizes": SimpleNamespace(top_margin=top, left_margin=left),
        "raw_color": lambda row, column: pattern[row % 2, column % 2],
    }
    return SimpleNamespace(**(values | changes))


def refusal(raw) -> FileProblem:
    with pytest.raises(FileProblem) as caught:
        bayer_phase(raw)
    return caught.value


@pytest.mark.parametrize("phase", PHASES)
def test_second_green_counts_as_green(phase):
    assert bayer_phase(decoded(INDEX[phase])) == phase


@pytest.mark.parametrize(
    ("top", "left", "phase"), [(1, 0, "GBRG"), (0, 1, "GRBG"), (3, 5, "BGGR"), (2, 4, "RGGB")]
)
def test_phase_is_that_of_the_visible_origin(top, left, phase):
    raw = decoded(INDEX["RGGB"], top=top, left=left)
    assert bayer_phase(raw) == phase
    assert cell_indices(raw)[phase.index("R")] == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"num_colors": 1}, "monochrome"),
        ({"raw_type": rawpy.RawType.Stack}, "already demosaiced"),
        ({"raw_pattern": None}, "already demosaiced"),
        ({"raw_pattern": np.zeros((6, 6), np.uint8)}, "X-Trans"),
        ({"raw_pattern": np.array([[6]], np.uint8)}, "1 x 1"),
        ({"raw_pattern": np.zeros((16, 16), np.uint8)}, "16 x 16"),
        ({"color_desc": b"GMCY"}, "pattern GMYC"),
        ({"color_desc": b"RG"}, "?"),
    ],
)
def test_other_sensors_are_refused_by_name(changes, word):
    problem = refusal(decoded(INDEX["RGGB"], **changes))
    assert problem.code == FailureCode.NOT_BAYER
    assert word in problem.what


def test_a_monochrome_sensor_has_a_phase_of_its_own_where_it_is_wanted():
    mono = decoded(INDEX["RGGB"], num_colors=1)
    assert phase_of(mono, monochrome=True) == MONO
    for raw, wanted in (
        (mono, False),
        (decoded(INDEX["RGGB"], num_colors=1, raw_type=rawpy.RawType.Stack), True),
        (decoded(INDEX["RGGB"], raw_pattern=None), True),
    ):
        with pytest.raises(FileProblem) as caught:
            phase_of(raw, monochrome=wanted)
        assert caught.value.code == FailureCode.NOT_BAYER


@pytest.mark.parametrize("monochrome", [False, True])
def test_a_bayer_sensor_has_its_phase_either_way(monochrome):
    assert phase_of(decoded(INDEX["GBRG"]), monochrome=monochrome) == "GBRG"


def test_greens_side_by_side_are_refused():
    assert "diagonal" in refusal(decoded((1, 3, 0, 2))).what


def test_nothing_declared_is_fine():
    check_declared_pattern(None)
    check_declared_pattern(Tiff(42, (Directory({}, {}),)))


@pytest.mark.parametrize(
    ("dim", "word"), [((4, 4), "Quad-Bayer"), ((6, 6), "X-Trans"), ((2, 4), "2 x 4")]
)
def test_declared_patterns_are_refused_by_name(dim, word):
    tiff = Tiff(42, (Directory({33421: dim}, {}),))
    with pytest.raises(FileProblem, match=word):
        check_declared_pattern(tiff)
