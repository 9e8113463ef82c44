import threading

import pytest

from darkroom.measure import threads
from darkroom.measure.threads import in_threads, usable_cores


def test_answers_come_in_the_order_of_their_parts() -> None:
    assert in_threads(lambda part: part * part, range(40)) == [n * n for n in range(40)]


def test_one_part_or_one_core_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    here = threading.current_thread().name
    assert in_threads(lambda _: threading.current_thread().name, [0]) == [here]
    monkeypatch.setattr(threads, "usable_cores", lambda: 1)
    assert {*in_threads(lambda _: threading.current_thread().name, range(4))} == {here}
    assert in_threads(abs, []) == []


def test_an_error_is_not_lost() -> None:
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda part: 1 / part, [1, 0, 2])


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
