import os
import platform
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest

from darkroom import __version__
from darkroom.batch import connection
from darkroom.batch.connection import (
    check_address,
    connected,
    end_run,
    lost_connection_named,
    report_deaths_at_once,
)
from darkroom.errors import EnvironmentProblem, UsageProblem


@pytest.mark.parametrize(
    "scheduler",
    [
        "",
        "local",
        "local:",
        "local:0",
        "local:-1",
        "local:two",
        "tcp://",
        "tcp://host",
        "host:8786",
    ],
)
def test_other_schedulers_are_refused(scheduler: str) -> None:
    with pytest.raises(UsageProblem, match="tcp://HOST:8786 or local:N"):
        check_address(scheduler)


@pytest.mark.parametrize("scheduler", ["local:2", "local:02", "tcp://10.0.0.1:8786", "tcp://n1:1"])
def test_schedulers_here_and_elsewhere_are_accepted(scheduler: str) -> None:
    check_address(scheduler)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
    words = "tcp://127.0.0.1:1: no dask scheduler answers"
    with pytest.raises(EnvironmentProblem, match=words), connected("tcp://127.0.0.1:1"):
        pass


def refuse(darkroom: object, python: object, scheduler: object = __version__) -> None:
    def run_on_scheduler(*_args: object) -> object:
        if isinstance(scheduler, Exception):
            raise scheduler
        return scheduler

    answers = {"resolve_name": darkroom, "python_version": python}

    def run(function: Any, *_args: object, on_error: str) -> dict[str, object]:
        assert on_error == "return"
        return {"tcp://one:1": answers[function.__name__]}

    client = SimpleNamespace(run=run, run_on_scheduler=run_on_scheduler)
    connection._refuse_other_software(client)


def test_the_same_software_is_accepted() -> None:
    refuse(__version__, platform.python_version())


@pytest.mark.parametrize(
    ("darkroom", "python", "words"),
    [
        ("0.0.9", platform.python_version(), r"tcp://one:1 has darkroom 0\.0\.9 with"),
        (__version__, "2.7.18", r"with Python 2\.7, this machine .* Python 3\."),
        (ModuleNotFoundError("darkroom"), platform.python_version(), "tcp://one:1 has no darkroom"),
    ],
)
def test_other_software_on_workers_is_named(darkroom: object, python: str, words: str) -> None:
    with pytest.raises(EnvironmentProblem, match=words):
        refuse(darkroom, python)


@pytest.mark.parametrize(
    ("there", "words"),
    [("0.0.9", r"scheduler has darkroom 0\.0\.9"), (ModuleNotFoundError(), "has no darkroom")],
)
def test_other_software_on_the_scheduler_is_named(there: object, words: str) -> None:
    with pytest.raises(EnvironmentProblem, match=words):
        refuse(__version__, platform.python_version(), there)


def test_a_worker_that_dies_while_it_is_asked_is_let_go() -> None:
    refuse(OSError("gone"), OSError("gone"))


def test_what_dask_writes_into_the_environment_is_undone() -> None:
    before = dict(os.environ)
    with connection._environment_kept():
        os.environ["DARKROOM_TEST_THREADS"] = "1"
        os.environ["PATH"] = "elsewhere"
        del os.environ[next(name for name in before if name != "PATH")]
    assert dict(os.environ) == before


@pytest.mark.parametrize("error", [OSError("closed"), TimeoutError(), CancelledError()])
def test_errors_of_the_network_name_the_scheduler(error: Exception) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="tcp://here:1 is lost"),
        lost_connection_named("tcp://here:1"),
    ):
        raise error


def test_a_run_ends_even_if_nobody_listens() -> None:
    def run(*_args: object, **_options: object) -> None:
        raise OSError("closed")

    end_run(SimpleNamespace(run=run), "run")


def test_a_task_of_the_run_has_one_life_and_those_of_others_keep_theirs() -> None:
    plugins: dict[str, Any] = {}
    tasks = {key: SimpleNamespace(suspicious=0) for key in ("ours", "theirs")}
    scheduler = SimpleNamespace(
        allowed_failures=3,
        tasks=tasks,
        add_plugin=lambda plugin, name: plugins.update({name: plugin}),
        remove_plugin=plugins.pop,
    )
    report_deaths_at_once("us", scheduler)
    (plugin,) = plugins.values()
    plugin.update_graph(scheduler, client="us", keys={"ours"})
    plugin.update_graph(scheduler, client="them", keys={"theirs"})
    assert (tasks["ours"].suspicious, tasks["theirs"].suspicious) == (3, 0)
    plugin.remove_client(scheduler, "them")
    assert plugins
    plugin.remove_client(scheduler, "us")
    assert not plugins
