"""A headless Chromium for tests, told what to do over a pipe (Chrome DevTools Protocol)."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 60  # seconds until an answer
# The browser listens at descriptor 3 and answers at 4, which Python gives to no child by itself.
LAUNCH = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking"),
    *("--remote-debugging-pipe", "--window-size=1200,900"),
)


class Tab:
    """One page: goes somewhere, runs scripts, remembers complaints and requests."""

    def __init__(self, commands: int, answers: int) -> None:
        self.commands, self.answers, self.waiting = commands, answers, b""
        self.number, self.session = 0, ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.is_loaded = False

    def open(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def go(self, address: str) -> None:
        self.is_loaded = False
        self.call("Page.navigate", url=address)
        while not self.is_loaded:
            self.hear(self.receive())

    def run(self, script: str) -> Any:
        wanted = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", **wanted)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def call(self, method: str, **params: object) -> Any:
        self.number += 1
        message: dict[str, object] = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            self.hear(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def hear(self, event: dict[str, Any]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method == "Page.loadEventFired":
            self.is_loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}:
            self.complaints.append(json.dumps(params))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append("a dialog")
            self.call("Page.handleJavaScriptDialog", accept=True)

    def receive(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.waiting:
            assert time.monotonic() < until, "the browser does not answer"
            if select.select([self.answers], [], [], 1)[0]:
                part = os.read(self.answers, 1 << 20)
                assert part, "the browser ended"
                self.waiting += part
        message, self.waiting = self.waiting.split(b"\0", 1)
        return dict(json.loads(message))


@contextmanager
def browsing(profile: Path) -> Iterator[Tab]:
    """Yield an empty tab; skips the test where no Chromium is found."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None or os.name == "nt":
        pytest.skip("no Chromium is installed")
    (commands_out, commands_in), (answers_out, answers_in) = os.pipe(), os.pipe()
    line = [sys.executable, "-c", LAUNCH, str(commands_out), str(answers_in), program]
    child = subprocess.Popen(
        [*line, *FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(commands_out, answers_in),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(commands_out)
    os.close(answers_in)
    tab = Tab(commands_in, answers_out)
    try:
        tab.open()
        yield tab
    finally:
        os.close(commands_in)
        os.close(answers_out)
        child.kill()
        child.wait()
