import pytest

from darkroom.batch.stopwatch import Stopwatch
from darkroom.errors import FailureCode, FileProblem


def test_stages_are_timed_by_name() -> None:
    clock = Stopwatch()
    with clock("read"):
        pass
    with clock("write"):
        pass
    assert list(clock.seconds) == ["read", "write"]
    assert all(seconds >= 0 for seconds in clock.seconds.values())


def test_a_problem_learns_in_which_stage_it_arose() -> None:
    clock = Stopwatch()
    with pytest.raises(FileProblem) as problem, clock("render"):
        raise FileProblem(FailureCode.BLACK, "black")
    assert problem.value.stage == "render"
    assert clock.seconds == {}


def test_a_stage_inside_another_counts_for_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 1.0, 3.0, 4.0, 6.0, 10.0])  # network, render, render, render, render, end
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    clock = Stopwatch()
    with clock("network"):
        for _ in range(2):
            with clock("render"):
                pass
    assert clock.seconds == {"render": 4.0, "network": 6.0}


def test_the_innermost_stage_is_told() -> None:
    clock = Stopwatch()
    with pytest.raises(FileProblem) as problem, clock("network"), clock("render"):
        raise FileProblem(FailureCode.BLACK, "black")
    assert problem.value.stage == "render"
