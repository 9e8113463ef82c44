"""The pages of `darkroom view`: read-only, for browsers on this machine only.

A page from elsewhere could make a browser ask here under a name of its own (DNS rebinding). So
only requests for this machine's own address are answered.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from darkroom.batch.decoder import Decoder
from darkroom.errors import DarkroomError, UsageProblem
from darkroom.report.folder import file_of, folder_page, shots_in
from darkroom.report.pages import policy
from darkroom.report.previews import preview_jpeg

ADDRESS = "127.0.0.1"
KEPT = 256  # previews
PATIENCE = 30  # seconds for a browser to finish its request
MOST_PAGES = 9  # digits of a page's number
HEADERS = {
    "Content-Security-Policy": policy("'self'") + "; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Preview = Callable[[Path], bytes]  # file -> JPEG


@dataclass(frozen=True)
class Site:
    """What is served: a folder, how its previews are made, and the names it is asked by."""

    folder: Path
    preview: Preview
    hosts: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """What a browser gets: status, type of the content, content."""

    status: HTTPStatus
    kind: str
    content: bytes


def answer(site: Site, target: str, host: str | None) -> Answer:
    """Answer a request to read.

    Args:
        site: what is served.
        target: path and query of the request, still quoted.
        host: the name by which the browser asked.
    """
    if (host or "").lower() not in site.hosts:
        return refusal(HTTPStatus.FORBIDDEN, "ask by the address that darkroom printed")
    try:
        asked = urlsplit(target)
    except ValueError:
        return refusal(HTTPStatus.BAD_REQUEST, "this is no address")
    if asked.path == "/" and not asked.netloc:
        content = folder_page(site.folder, shots_in(site.folder), page_number(asked.query))
        return Answer(HTTPStatus.OK, "text/html; charset=utf-8", content)
    file = file_of(site.folder, asked.path)
    if file is None:
        return refusal(HTTPStatus.NOT_FOUND, "there is no such picture here")
    try:
        return Answer(HTTPStatus.OK, "image/jpeg", site.preview(file))
    except (DarkroomError, OSError) as problem:  # damaged, or gone meanwhile
        return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(problem))


def refusal(status: HTTPStatus, why: str) -> Answer:
    """Return an answer that says why there is no other."""
    content = f"{why}\n".encode(errors="backslashreplace")
    return Answer(status, "text/plain; charset=utf-8", content)


def page_number(query: str) -> int:
    """Return the number of the page that is asked for, 1 if that is none.

    >>> page_number("page=3"), page_number("page=-3"), page_number("")
    (3, 1, 1)
    """
    text = parse_qs(query).get("page", ["1"])[0]
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_PAGES
    return int(text) if is_number else 1


class Requests(BaseHTTPRequestHandler):
    """Answers GET and HEAD about a site, refuses all else, says nothing on the terminal."""

    timeout = PATIENCE

    def __init__(self, *connection: Any, site: Site) -> None:
        self.site = site
        super().__init__(*connection)

    def do_GET(self) -> None:
        """Answer with content."""
        self.send(answer(self.site, self.path, self.headers["Host"]))

    do_HEAD = do_GET  # noqa: N815 - the standard library calls it so

    def do_POST(self) -> None:
        """Refuse to change anything."""
        self.send(refusal(HTTPStatus.METHOD_NOT_ALLOWED, "pictures can be looked at, no more"))

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_POST  # noqa: N815 - likewise

    def send(self, told: Answer) -> None:
        """Send an answer; for HEAD, all but its content."""
        self.send_response(told.status)
        headers = {"Content-Type": told.kind, "Content-Length": str(len(told.content)), **HEADERS}
        if told.status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.content)

    def version_string(self) -> str:
        """Return what the header Server says."""
        return "darkroom"

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal as it is."""


class Server(ThreadingTCPServer):
    """Listens on this machine; ends without waiting for browsers."""

    allow_reuse_address = os.name != "nt"  # there, it would share the port with others
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing of a browser that went away."""


@contextmanager
def previewing() -> Iterator[Preview]:
    """Yield what makes previews, one at a time, and keeps the latest 256.

    All are made in one thread, since a decoder belongs to the thread that started it.
    """
    decoder = Decoder()

    @lru_cache(KEPT)
    def make(path: Path, _version: tuple[int, int]) -> bytes:
        return preview_jpeg(path, decoder)

    with ThreadPoolExecutor(1) as worker:

        def preview(path: Path) -> bytes:
            facts = path.stat()
            return worker.submit(make, path, (facts.st_size, facts.st_mtime_ns)).result()

        try:
            yield preview
        finally:
            worker.shutdown(wait=True, cancel_futures=True)
            decoder.close()


@contextmanager
def listening(folder: Path, port: int, preview: Preview) -> Iterator[Server]:
    """Yield a server of a folder that listens on this machine; port 0 takes a free one.

    Raises:
        UsageProblem: the port cannot be had.
    """
    try:
        server = Server((ADDRESS, port), BaseHTTPRequestHandler)
    except OSError as error:
        raise UsageProblem(
            f"--port {port} cannot be had: {error.strerror}; leave --port away to get a free one"
        ) from None
    with server:
        own = server.server_address[1]
        hosts = frozenset(f"{name}:{own}" for name in (ADDRESS, "localhost"))
        server.RequestHandlerClass = partial(Requests, site=Site(folder, preview, hosts))
        yield server


def serve(folder: Path, port: int, ready: Callable[[str], object]) -> None:
    """Serve a folder until KeyboardInterrupt.

    Args:
        folder: with the finished pictures.
        port: to listen on, 0 for a free one.
        ready: is told the address once browsers can ask.

    Raises:
        UsageProblem: the port cannot be had.
    """
    with previewing() as preview, listening(folder, port, preview) as server:
        ready(f"http://{ADDRESS}:{server.server_address[1]}/")
        server.serve_forever(poll_interval=0.2)
