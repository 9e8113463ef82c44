import inspect
import re

import pytest

from darkroom import errors
from darkroom.cli.commands import darkroom as program
from darkroom.errors import DarkroomError, FailureCode, FileProblem

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, DarkroomError) and kind is not DarkroomError
]


def test_every_kind_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert sorted(codes) == [1, 2, 3, 4, 5]


def test_every_exit_code_is_in_the_help() -> None:
    told = {int(code) for code in re.findall(r"\b(\d+) ", program.__doc__ or "")}
    assert {kind.exit_code for kind in KINDS} <= told


def test_the_module_lists_its_kinds() -> None:
    listed = dict(re.findall(r"[├└]── (\w+) +(\d)", errors.__doc__ or ""))
    assert listed == {kind.__name__: str(kind.exit_code) for kind in KINDS}


@pytest.mark.parametrize("code", FailureCode)
def test_codes_are_their_names(code: FailureCode) -> None:
    assert code.value == f"E_{code.name}"


def test_a_file_problem_says_code_cause_and_advice() -> None:
    problem = FileProblem(FailureCode.EMPTY, "the file has 0 bytes", "copy it again")
    assert str(problem) == "E_EMPTY: the file has 0 bytes; copy it again"
    assert (problem.code, problem.what, problem.advice) == (
        FailureCode.EMPTY,
        "the file has 0 bytes",
        "copy it again",
    )
    assert str(FileProblem(FailureCode.BLACK, "all black")) == "E_BLACK: all black"


def test_one_catcher_gets_them_all() -> None:
    for kind in KINDS:
        assert issubclass(kind, DarkroomError)
        assert not issubclass(kind, OSError | ValueError)
        assert kind.__doc__
