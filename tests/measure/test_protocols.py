import math

import numpy as np
import pytest

from darkroom.errors import FileProblem, UsageProblem
from darkroom.measure.metrics import METRICS
from darkroom.measure.protocols import (
    PLAIN,
    PROTOCOLS,
    find_protocol,
    in_words,
    prepared,
    scores_under,
)
from darkroom.measure.psnr import psnr
from darkroom.measure.raw_scores import raw_ssim
from darkroom.measure.ssim_volume import ssim_volume


def pictures(shape: tuple[int, int], channels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.1, 0.6, (*shape, channels)).astype(np.float32)
    return truth, (truth + rng.normal(0, 0.05, truth.shape)).astype(np.float32)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_says_what_it_does(name: str) -> None:
    protocol = find_protocol(name)
    words = in_words(protocol)
    assert words["protocol"] == name
    assert {"crop", "alignment", "bit_depth", "pictures", "compared"} | {*protocol.metrics} <= {
        *words
    }
    assert all(words.values())
    line = words["in_short"]
    assert line.startswith(f"protocol {name}: ")
    assert len(line) <= 100
    for what in ("crop" if protocol.crop is None else "512", "bit", "SSIM"):
        assert what in line


def test_plain_changes_nothing() -> None:
    truth, result = pictures((20, 24))
    shown = prepared(PLAIN, truth, result)
    assert shown[0] is truth
    assert shown[1] is result
    assert {*scores_under(PLAIN, truth, result)} == {*METRICS}
    assert math.isnan(scores_under(PLAIN, truth, result)["ms_ssim"])


@pytest.mark.parametrize("name", ["sid-598", "sid-00-93", "sid-562"])
def test_sid_rounds_to_8_bits_and_takes_matlabs_ssim(name: str) -> None:
    truth, result = pictures((20, 24))
    eight = [np.clip(np.floor(255 * p.astype(float) + 0.5), 0, 255) / 255 for p in (truth, result)]
    scores = scores_under(find_protocol(name), truth, result)
    assert scores["psnr"] == pytest.approx(psnr(*eight), abs=1e-4)
    assert scores["ssim"] == pytest.approx(ssim_volume(*eight), abs=1e-6)
    assert {*scores} == {*METRICS}


def test_planes_have_no_colours() -> None:
    truth, result = pictures((20, 24), 4)
    scores = scores_under(find_protocol("raw-full"), truth, result)
    assert {*scores} == {"psnr", "ssim", "mse"}
    assert scores["ssim"] == raw_ssim(truth, result)
    assert scores["psnr"] == pytest.approx(-10 * math.log10(scores["mse"]))


def test_eld_looks_at_the_middle_and_corrects_the_brightness() -> None:
    truth, _ = pictures((530, 520), 4)
    result = truth * np.float32(0.5)
    result[:9], result[:, :4] = 7, 7  # outside of the 512 x 512 in the middle
    result[521:], result[:, 516:] = 7, 7
    eld, full = (scores_under(find_protocol(n), truth, result) for n in ("eld-illum", "raw-full"))
    assert eld["psnr"] > 100
    assert full["psnr"] < 15
    shown, _ = prepared(find_protocol("eld-illum"), truth, result)
    assert shown.shape == (512, 512, 4)


def test_a_small_frame_is_its_own_middle() -> None:
    truth, result = pictures((20, 24), 4)
    assert prepared(find_protocol("eld-illum"), truth, result)[0].shape == truth.shape


def test_sizes_must_agree_before_anything_is_cut() -> None:
    truth, result = pictures((520, 520), 4)
    for name in PROTOCOLS:
        with pytest.raises(FileProblem, match="520 x 519 pixels, its truth 520 x 520"):
            scores_under(find_protocol(name), truth, result[1:])


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(UsageProblem, match="sid-598"):
        find_protocol("sid")
