import numpy as np
import pytest

from darkroom.camera.bayer import PHASES
from darkroom.camera.exposure import (
    MAX_RATIO,
    MID_GREY,
    RatioSpec,
    choose_ratio,
    described,
    parse_ratio,
)
from darkroom.camera.raw import Exposure, RawImage
from darkroom.errors import FailureCode, FileProblem, UsageProblem

BLACK, WHITE = 512, 16383
UNKNOWN = Exposure()


def frame(
    signal=0.1, *, sigma: float = 0.0, exposure: Exposure = UNKNOWN, phase: str = "RGGB"
) -> RawImage:
    """Return a frame of given green signal (white at 1); red and blue hold a third of it."""
    counts = np.broadcast_to(np.asarray(signal, np.float64), (256, 256)).copy()
    for position, colour in enumerate(phase):
        row, column = divmod(position, 2)
        counts[row::2, column::2] *= 1 if colour == "G" else 1 / 3
    counts = BLACK + counts * (WHITE - BLACK)
    counts += np.random.default_rng(0).normal(0, sigma, counts.shape)
    mosaic = np.clip(np.round(counts), 0, WHITE).astype(np.uint16)
    return RawImage(
        mosaic, phase, (BLACK,) * 4, WHITE, (2.0, 1.0, 1.5), np.eye(3), exposure=exposure
    )


def auto(raw: RawImage):
    return choose_ratio(RatioSpec("auto"), raw, None)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("100", "number", 100),
        (" 2.5 ", "number", 2.5),
        ("1e2", "number", 100),
        ("auto", "auto", 0),
        ("AUTO", "auto", 0),
        ("ev:+3", "ev", 3),
        ("ev:-1.5", "ev", -1.5),
        ("10000", "number", 10000),
    ],
)
def test_ratios_are_understood(text, kind, value):
    assert parse_ratio(text) == RatioSpec(kind, value)


def test_a_reference_keeps_its_path():
    spec = parse_ratio("match:C:/Fotos/Ref.ARW")
    assert spec.kind == "match"
    assert spec.reference.as_posix() == "C:/Fotos/Ref.ARW"


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "-3", "nan", "inf", "-inf", "1e9", "1e-9", "10001", "bright", "1/30"),
        *("ev:", "ev:nan", "ev:99999", "ev:14", "ev:-14", "match:", "match", "auto:3"),
    ],
)
def test_absurd_ratios_are_refused_in_words(text):
    with pytest.raises(UsageProblem, match="ratio"):
        parse_ratio(text)


def test_a_number_is_taken_as_it_is():
    choice = choose_ratio(RatioSpec("number", 100.0), frame(), None)
    assert choice.ratio == 100
    assert choice.warnings == ()


@pytest.mark.parametrize(("steps", "ratio"), [(3.0, 8.0), (0.0, 1.0), (-1.0, 0.5)])
def test_ev_doubles_a_step(steps, ratio):
    assert choose_ratio(RatioSpec("ev", steps), frame(), None).ratio == ratio


@pytest.mark.parametrize("spec", [RatioSpec("number", 301), RatioSpec("ev", 9)])
def test_above_the_range_of_the_networks_there_is_a_warning(spec):
    assert "300" in choose_ratio(spec, frame(), None).warnings[0]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("signal", [0.1, 0.02, 0.002])
def test_auto_brings_the_middle_of_the_greens_to_mid_grey(signal, phase):
    choice = auto(frame(signal, phase=phase))
    assert choice.ratio * signal == pytest.approx(MID_GREY, rel=0.03)
    assert "middle" in choice.reason
    assert f"{choice.ratio:g}" in choice.reason


def test_auto_undoes_a_darkening():
    scene = np.random.default_rng(1).random((8, 8)).repeat(32, 0).repeat(32, 1) * 0.3
    bright, dark = auto(frame(scene)), auto(frame(scene / 50))
    assert dark.ratio == pytest.approx(50 * bright.ratio, rel=0.03)


def test_auto_sees_through_noise_larger_than_the_signal():
    signal = 0.0015  # 24 counts
    choice = auto(frame(signal, sigma=80))
    assert choice.ratio == pytest.approx(MID_GREY / signal, rel=0.1)


def test_auto_spares_highlights():
    scene = np.full((256, 256), 0.02)
    scene[:64] = 0.5
    choice = auto(frame(scene))
    assert choice.ratio * 0.5 < 1.5
    assert "highlights" in choice.reason


def test_auto_ignores_a_few_lamps():
    scene = np.full((256, 256), 0.01)
    scene[100:104, 100:104] = 1.0
    assert auto(frame(scene)).ratio == pytest.approx(MID_GREY / 0.01, rel=0.05)


def test_auto_never_darkens():
    choice = auto(frame(0.6))
    assert choice.ratio == 1
    assert "bright enough" in choice.reason


@pytest.mark.parametrize("signal", [0.0, 1e-5])
def test_auto_stops_at_its_limit(signal):
    assert auto(frame(signal)).ratio == MAX_RATIO


def test_auto_says_when_there_is_no_light():
    assert "guess" in auto(frame(0.0)).warnings[0]


def test_auto_reads_tiny_frames():
    raw = frame(0.1)
    tiny = RawImage(
        raw.mosaic[:5, :7], raw.phase, raw.black, raw.white, raw.white_balance, raw.xyz_to_camera
    )
    assert auto(tiny).ratio == pytest.approx(1.8, rel=0.01)


def match(reference: Exposure | None, own: Exposure):
    other = None if reference is None else frame(exposure=reference)
    return choose_ratio(RatioSpec("match"), frame(exposure=own), other)


def test_match_is_the_quotient_of_the_exposures():
    choice = match(Exposure(10, 100, 4.0), Exposure(0.1, 200, 2.0))
    assert choice.ratio == pytest.approx(100 * 0.5 / 4)
    assert "ISO 100" in choice.reason
    assert "ISO 200" in choice.reason


def test_match_is_limited_to_300():
    choice = match(Exposure(30, 100), Exposure(0.04, 100))
    assert choice.ratio == 300
    assert "750" in choice.reason


def test_match_leaves_out_an_aperture_that_only_one_knows():
    choice = match(Exposure(10, 100, 4.0), Exposure(0.1, 100))
    assert choice.ratio == pytest.approx(100)
    assert "aperture" in choice.warnings[0]


def test_match_warns_when_the_reference_is_darker():
    choice = match(Exposure(0.1, 100), Exposure(1, 100))
    assert choice.ratio == pytest.approx(0.1)
    assert choice.warnings


@pytest.mark.parametrize("reference", [None, Exposure(), Exposure(1.0, None)])
def test_match_needs_the_exposure_of_the_reference(reference):
    with pytest.raises(UsageProblem, match="reference"):
        match(reference, Exposure(1, 100))


def test_match_needs_the_exposure_of_the_frame():
    with pytest.raises(FileProblem) as caught:
        match(Exposure(1, 100), Exposure(None, 100))
    assert caught.value.code == FailureCode.METADATA


def test_long_shutters_are_described_in_seconds():
    assert described(Exposure(30, 100)) == "30 s ISO 100"
