import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.inference import probe
from darkroom.inference.torch_engine import TorchEngine, make_engine
from darkroom.networks.fast_unet import FastUNet

tells_peaks = pytest.mark.skipif(not probe.forget_peak(), reason="the system tells no peak")


def engine(width: int) -> TorchEngine:
    network = FastUNet(width=width, blocks=(1,), bottom=1, detail=width).eval()
    return make_engine(network, device="cpu", precision="fp32")


MEASURE = """
from darkroom.inference import probe
from darkroom.inference.torch_engine import make_engine
from darkroom.networks.fast_unet import FastUNet
network = FastUNet(width={width}, blocks=(1,), bottom=1, detail={width}).eval()
print(probe.measured_bytes_per_pixel(make_engine(network, device="cpu", precision="fp32")))
"""


def measured_apart(width: int) -> float:
    """Measure in a process of its own: memory that earlier tests freed would be used again."""
    program = [sys.executable, "-c", MEASURE.format(width=width)]
    return float(subprocess.run(program, capture_output=True, text=True, check=True).stdout)


@tells_peaks
def test_a_wider_network_needs_more() -> None:
    assert 0 < measured_apart(8) < measured_apart(32)


@tells_peaks
def test_what_is_measured_is_no_more_than_what_is_planned() -> None:
    wide = engine(32)
    assert (probe.measured_bytes_per_pixel(wide) or 0) <= 1.15 * wide.bytes_per_pixel


@tells_peaks
def test_a_peak_is_forgotten() -> None:
    large = bytearray(64 << 20)
    before = probe.peak_resident() or 0
    del large
    assert probe.forget_peak()
    assert (probe.peak_resident() or 0) < before - (48 << 20)


def test_a_system_that_hides_its_peaks_gives_no_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(probe, "FORGET_PEAK", tmp_path / "none" / "clear_refs")
    assert probe.measured_bytes_per_pixel(engine(4)) is None
    monkeypatch.setattr(probe, "MEMORY_FACTS", tmp_path / "none")
    assert probe.peak_resident() is None
