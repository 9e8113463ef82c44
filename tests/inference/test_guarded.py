from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from darkroom.errors import FailureCode, FileProblem
from darkroom.inference.guarded import Computed, Ladder, TileRules, finite, run_guarded

NOISE = np.zeros(8, np.float32)
PLANES = np.random.default_rng(0).uniform(0, 1, (4, 64, 96)).astype(np.float32)
RULES = TileRules(halo=8, multiple_of=8)


@dataclass(frozen=True)
class Engine:
    """Doubles what it is given, and fails as it is told."""

    spoil: "Spoil"
    precision: str = "bf16"
    device: str = "cpu"
    name: str = "double"
    bytes_per_pixel: int = 100
    runtime_bytes: int = 0
    sizes: list[int] = field(default_factory=list)

    def exactly(self) -> "Engine":
        return replace(self, precision="fp32")

    def run(self, planes: np.ndarray, noise: np.ndarray, *, lasting: bool = True) -> np.ndarray:
        self.sizes.append(planes[0].size)
        picture = 2 * planes[:3].repeat(2, 1).repeat(2, 2)
        return self.spoil(self, picture)


Spoil = Callable[[Engine, np.ndarray], np.ndarray]


def run(engine: Engine, ladder: Ladder | None = None, rules: TileRules = RULES) -> Computed:
    return run_guarded(engine, PLANES, NOISE, rules, ladder or Ladder())


def out_of_memory(limit: int) -> Spoil:
    def spoil(engine: Engine, picture: np.ndarray) -> np.ndarray:
        if picture[0].size > limit:
            raise FileProblem(FailureCode.OOM_DEVICE, "the device ran out of memory")
        return picture

    return spoil


def whole() -> np.ndarray:
    return 2 * PLANES[:3].repeat(2, 1).repeat(2, 2)


def test_a_run_without_trouble_says_nothing() -> None:
    computed = run(Engine(lambda engine, picture: picture))
    assert np.array_equal(computed.picture, whole())
    assert computed.warnings == ()
    assert str(computed.grid) == "full"


def test_memory_that_runs_out_makes_tiles_smaller_for_the_rest_of_the_run() -> None:
    engine, ladder = Engine(out_of_memory(12_000)), Ladder()
    first = run(engine, ladder)
    assert np.array_equal(first.picture, whole())
    assert first.grid.count > 1
    assert str(first.grid) in first.warnings[0]
    engine.sizes.clear()
    second = run(engine, ladder)
    assert second.warnings == ()
    assert len(engine.sizes) == second.grid.count


@pytest.mark.parametrize("fails_at", [1, 2, 5])
def test_memory_may_run_out_at_any_tile(fails_at: int) -> None:
    def spoil(engine: Engine, picture: np.ndarray) -> np.ndarray:
        if len(engine.sizes) == fails_at:
            raise FileProblem(FailureCode.OOM_HOST, "there is too little memory")
        return picture

    computed = run(Engine(spoil), Ladder(steps=2))
    assert np.array_equal(computed.picture, whole())


def test_tiles_the_user_asked_for_are_never_changed() -> None:
    with pytest.raises(FileProblem) as problem:
        run(Engine(out_of_memory(1)), rules=TileRules(halo=8, multiple_of=8, tile=64))
    assert problem.value.code is FailureCode.OOM_DEVICE


def test_memory_that_is_never_enough_is_the_failure_of_one_file() -> None:
    engine, ladder = Engine(out_of_memory(1)), Ladder()
    for _ in range(2):
        with pytest.raises(FileProblem) as problem:
            run(engine, ladder)
        assert problem.value.code is FailureCode.OOM_DEVICE


@pytest.mark.parametrize("nonsense", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_computed_again_in_single_precision(nonsense: float) -> None:
    def spoil(engine: Engine, picture: np.ndarray) -> np.ndarray:
        if engine.precision == "bf16":
            picture[1, 3, 5] = nonsense
        return picture

    computed = run(Engine(spoil))
    assert np.array_equal(computed.picture, whole())
    assert "single precision" in computed.warnings[0]


def test_a_picture_of_one_value_is_computed_again_in_single_precision() -> None:
    def spoil(engine: Engine, picture: np.ndarray) -> np.ndarray:
        return np.zeros_like(picture) if engine.precision == "bf16" else picture

    computed = run(Engine(spoil))
    assert np.array_equal(computed.picture, whole())
    black = run(Engine(lambda engine, picture: np.zeros_like(picture)))
    assert not black.picture.any()


@pytest.mark.parametrize(("precision", "tries"), [("bf16", 2), ("fp32", 1)])
def test_numbers_that_stay_none_are_an_error(precision: str, tries: int) -> None:
    engine = Engine(lambda engine, picture: np.full_like(picture, np.nan), precision)
    with pytest.raises(FileProblem) as problem:
        run(engine)
    assert problem.value.code is FailureCode.NONFINITE
    assert len(engine.sizes) == tries


def test_large_numbers_are_numbers() -> None:
    huge = np.full((3, 8, 8), np.finfo(np.float32).max)
    assert finite(huge) is huge
