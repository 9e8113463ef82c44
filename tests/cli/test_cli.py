import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import darkroom as package
from darkroom.cli import main
from darkroom.errors import DarkroomError, EnvironmentProblem, NothingMatched, UsageProblem

HEAVY = (
    *("torch", "openvino", "cv2", "rawpy", "exifread", "numpy", "scipy", "safetensors"),
    *("pydantic", "rich", "jinja2", "platformdirs", "multiprocessing", "concurrent.futures"),
)


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    return done.stdout


@pytest.mark.parametrize(
    "line",
    [
        *([], ["--help"], ["-h"], ["--version"], ["enhance"], ["enhance", "--help"]),
        *(["colorize", "-h"], ["models", "--help"], ["models", "show", "--help"], ["eval", "-h"]),
    ],
)
def test_help_imports_nothing_heavy(line: list[str]) -> None:
    code = f"""
import sys
from darkroom.cli import main
try:
    main({line!r})
except SystemExit:
    print("loaded:", [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert python(code).splitlines()[-1] == "loaded: []"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, darkroom; print([n for n in {HEAVY!r} if n in sys.modules])"
    assert python(code) == "[]\n"


def test_help_takes_less_than_a_third_of_a_second_of_cpu() -> None:
    code = """
import time
try:
    from darkroom.cli import main
    main(["--help"])
except SystemExit:
    print(time.process_time())
"""
    assert float(python(code).splitlines()[-1]) < 0.3


def test_the_package_runs_as_a_module() -> None:
    line = [sys.executable, "-m", "darkroom", "--version"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == f"darkroom {package.__version__}\n"


ENDING = """
import atexit, sys, threading, time
from darkroom import cli

def main():
    atexit.register(lambda: print("left"))
    print("worked")
    {}
    raise SystemExit(7)

cli.main = main
cli.program()
"""


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ("", "worked\nleft\n"),
        ("threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()", "late"),
    ],
)
def test_the_end_loses_nothing(work: str, expected: str) -> None:
    line = [sys.executable, "-c", ENDING.format(work)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.startswith("worked\n")
    assert expected in done.stdout
    assert "left\n" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_an_output_that_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        line = [sys.executable, "-m", "darkroom", "--version"]
        done = subprocess.run(line, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode != 0


def test_h_is_help(darkroom: Callable[..., Any]) -> None:
    short, long = darkroom("enhance", "-h"), darkroom("enhance", "--help")
    assert short == long
    assert short.code == 0
    assert "--ratio" in short.out


def test_no_arguments_show_the_help(darkroom: Callable[..., Any]) -> None:
    ended = darkroom()
    assert ended.code == 2
    assert "enhance" in ended.out + ended.err


def test_a_misspelt_command_is_wrong_use_with_a_hint(darkroom: Callable[..., Any]) -> None:
    ended = darkroom("enhnace")
    assert ended.code == 2
    assert "'enhance'" in ended.err
    assert ended.out == ""


def failing(error: BaseException) -> Callable[..., None]:
    def run(*_: object, **__: object) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageProblem("bad ratio"), 2),
        (NothingMatched("no file"), 3),
        (EnvironmentProblem("no such model"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code(
    darkroom: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    monkeypatch.setattr("darkroom.cli.app", failing(error))
    ended = darkroom("enhance")
    assert ended.code == code
    expected = f"darkroom: {error}\n" if isinstance(error, DarkroomError) else ""
    assert ended.err == expected


def test_a_bug_is_one_line_and_its_traceback_is_there_on_request(
    darkroom: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkroom.cli.app", failing(ZeroDivisionError("by zero")))
    ended = darkroom("enhance")
    assert ended.code == 70
    assert ended.err.count("\n") == 1
    assert "internal error, please report" in ended.err
    assert "Traceback" in darkroom("enhance", "-v").err
    monkeypatch.setenv("DARKROOM_DEBUG", "1")
    assert "Traceback" in darkroom("enhance").err


def test_sigterm_ends_like_ctrl_c_but_with_its_own_code(
    darkroom: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def terminated(*_: object, **__: object) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:  # as a batch does, which cancels its files
            sys.exit(130)

    monkeypatch.setattr("darkroom.cli.app", terminated)
    assert darkroom("enhance").code == 143
    assert signal.getsignal(signal.SIGTERM) is before


def test_main_reads_the_real_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr("darkroom.cli.app", lambda args, prog_name: seen.append(args))
    monkeypatch.setattr(sys, "argv", ["darkroom", "enhance", "a.ARW"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert seen == [["enhance", "a.ARW"]]
