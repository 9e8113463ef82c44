import pytest

from darkroom.inference import memory
from darkroom.inference.engine import make_engine
from darkroom.networks.fast_unet import FastUNet


def engine(precision: str) -> memory.TorchEngine:
    network = FastUNet(width=4, blocks=(1,), bottom=1, detail=4)
    return make_engine(network, device="cpu", precision=precision)  # type: ignore[arg-type]


def test_free_memory_is_plausible() -> None:
    assert 1 << 20 < memory.free_memory("cpu") < 1 << 50


def test_a_limit_bounds_the_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 200 << 20)
    small, large = (
        memory.most_pixels(engine("fp32"), limit << 20, frame=1 << 20) for limit in (300, 1000)
    )
    assert small < large
    assert small * memory.bytes_per_pixel(engine("fp32")) <= 52 << 20


def test_a_limit_below_what_is_in_use_still_leaves_a_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 900 << 20)
    assert memory.most_pixels(engine("fp32"), 100 << 20, frame=9) >= 1


def test_without_a_limit_a_share_of_what_is_free_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 10 << 30)
    used = memory.most_pixels(engine("fp32"), None, frame=9) * memory.bytes_per_pixel(
        engine("fp32")
    )
    assert 5 << 30 < used < 7 << 30


def test_a_system_that_does_not_say_gets_a_safe_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> int:
        raise ValueError

    monkeypatch.setattr(memory.os, "sysconf", fail)
    assert memory.free_memory("cpu") == memory.UNKNOWN
