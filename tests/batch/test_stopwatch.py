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
