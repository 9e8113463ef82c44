from pathlib import Path

import pytest

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference import memory
from darkroom.inference.torch_engine import TorchEngine, make_engine
from darkroom.networks.fast_unet import FastUNet


def engine(precision: str) -> TorchEngine:
    network = FastUNet(width=4, blocks=(1,), bottom=1, detail=4)
    return make_engine(network, device="cpu", precision=precision)  # type: ignore[arg-type]


def test_free_memory_is_plausible() -> None:
    assert 1 << 20 < memory.free_memory("cpu") < 1 << 50


SHAPE = (2000, 3000)


def test_a_limit_bounds_the_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 200 << 20)
    small, large = (
        memory.most_pixels(engine("fp32"), limit << 20, shape=SHAPE, halo=16)
        for limit in (1000, 1200)
    )
    assert small < large
    picture = SHAPE[0] * SHAPE[1] * memory.PICTURE_BYTES
    assert small * engine("fp32").bytes_per_pixel <= (800 << 20) - picture


def test_a_limit_that_cannot_be_kept_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 900 << 20)
    with pytest.raises(FileProblem, match="--max-memory") as caught:
        memory.most_pixels(engine("fp32"), 1000 << 20, shape=SHAPE, halo=16)
    assert caught.value.code == FailureCode.OOM_HOST


def test_without_a_limit_a_share_of_what_is_free_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1 << 30)
    pixels = memory.most_pixels(engine("fp32"), None, shape=SHAPE, halo=16)
    used = pixels * engine("fp32").bytes_per_pixel
    assert 0.5 * (1 << 30) < used < 0.7 * (1 << 30)


def test_plenty_of_memory_allows_the_frame_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    # so that halving the answer makes smaller tiles at once
    monkeypatch.setattr(memory, "free_memory", lambda _: 1 << 50)
    pixels = memory.most_pixels(engine("fp32"), None, shape=SHAPE, halo=16)
    assert SHAPE[0] * SHAPE[1] <= pixels < 1.1 * SHAPE[0] * SHAPE[1]


def test_plenty_of_memory_is_no_reason_to_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda _: 1 << 50)
    large = memory.most_pixels(engine("fp32"), None, shape=(1 << 15, 1 << 15), halo=16)
    assert large * engine("fp32").bytes_per_pixel <= memory.MOST
    assert memory.tile_budget("cuda") > memory.MOST


def test_frames_whose_tiles_are_rendered_at_once_leave_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 200 << 20)
    usual, more = (
        memory.most_pixels(engine("fp32"), 1000 << 20, shape=SHAPE, halo=16, beside=beside)
        for beside in (memory.PICTURE_BYTES, memory.LEVELS_BYTES)
    )
    assert usual < more


def test_a_system_that_does_not_say_gets_a_safe_guess(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "MEMORY_FACTS", tmp_path / "none")
    assert memory.free_memory("cpu") == memory.UNKNOWN


def test_what_a_container_has_left_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (("CGROUP_LIMIT", 5 << 20), ("CGROUP_USED", 3 << 20)):
        (tmp_path / name).write_text(f"{value}\n")
        monkeypatch.setattr(memory, name, tmp_path / name)
    assert memory.free_memory("cpu") == 2 << 20
