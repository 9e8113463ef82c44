import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from darkroom.errors import FailureCode, FileProblem, UsageProblem
from darkroom.report.server import ADDRESS, HEADERS, Site, answer, listening, previewing, serve
from tests.report.browser import browsing

OWN = frozenset({"127.0.0.1:80"})


def preview(path: Path) -> bytes:
    if path.name == "bad.png":
        raise FileProblem(FailureCode.CORRUPT, "this PNG is damaged")
    return b"JPEG of " + path.name.encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shown = tmp_path / "shown"
    shown.mkdir()
    for name in ("a.png", "bad.png"):
        (shown / name).write_bytes(b"x")
    (tmp_path / "secret.png").write_bytes(b"x")
    return shown


@pytest.fixture
def site(folder: Path) -> Site:
    return Site(folder, preview, OWN)


@pytest.fixture
def port(folder: Path) -> Iterator[int]:
    with listening(folder, 0, preview) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ask(
    port: int, method: str, path: str, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=60)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response, response.read()


def status(site: Site, target: str, host: str | None = "127.0.0.1:80") -> int:
    return answer(site, target, host).status


def test_the_folder_and_its_pictures_can_be_read(site: Site) -> None:
    assert b"a.png" in answer(site, "/", "127.0.0.1:80").content
    assert answer(site, "/?page=2", "127.0.0.1:80").status == 200
    assert answer(site, "/preview/a.png", "127.0.0.1:80").content == b"JPEG of a.png"


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:81", "[::1]:80"]
)
def test_only_this_machines_names_are_answered(site: Site, host: str | None) -> None:
    for target in ("/", "/preview/a.png", "/gone"):
        assert status(site, target, host) == 403


@pytest.mark.parametrize(
    "target",
    (
        *("/preview/../secret.png", "/preview/%2e%2e/secret.png", "/secret.png", "/preview/"),
        *("/preview", "/preview//etc/hosts.png", "/preview/a.png%00", "/preview/b.png"),
        *("//evil/", "*", "a.png", ""),
    ),
)
def test_nothing_else_is_there(site: Site, target: str) -> None:
    assert status(site, target) == 404


def test_an_address_that_is_none_is_refused(site: Site) -> None:
    assert status(site, "http://[") == 400


def test_a_damaged_picture_says_so(site: Site) -> None:
    told = answer(site, "/preview/bad.png", "127.0.0.1:80")
    assert told.status == 422
    assert b"damaged" in told.content


def test_pages_are_sent_with_their_policy(port: int) -> None:
    response, content = ask(port, "GET", "/")
    assert response.status == 200
    assert b"a.png" in content
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["Server"] == "darkroom"


def test_head_is_get_without_content(port: int) -> None:
    for path in ("/", "/preview/a.png", "/gone"):
        (head, nothing), (get, content) = ask(port, "HEAD", path), ask(port, "GET", path)
        assert nothing == b""
        assert head.status == get.status
        assert head.headers["Content-Length"] == str(len(content))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(port: int, method: str) -> None:
    response, _ = ask(port, method, "/preview/a.png")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


def test_a_method_that_nobody_knows_is_refused(port: int) -> None:
    assert ask(port, "BREW", "/")[0].status == 501


def test_a_foreign_host_is_refused_over_the_wire(port: int) -> None:
    assert ask(port, "GET", "/", Host="evil.example")[0].status == 403
    assert ask(port, "GET", "/", Host=f"localhost:{port}")[0].status == 200


def test_a_port_that_is_taken_is_wrong_use(port: int, folder: Path) -> None:
    with pytest.raises(UsageProblem, match="--port"), listening(folder, port, preview):
        pass


def test_an_interrupt_ends_serving(folder: Path) -> None:
    told: list[str] = []

    def ready(address: str) -> None:
        told.append(address)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(folder, 0, ready)
    assert told[0].startswith("http://127.0.0.1:")


def test_previews_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    contents = []
    with previewing() as make:
        for level in (10, 200):
            cv2.imwrite(str(path), np.full((level, 8, 3), level, np.uint8))
            contents += [make(path), make(path)]
        path.unlink()
        with pytest.raises(OSError, match=r"a\.png"):
            make(path)
    assert contents[0] is contents[1]
    assert contents[2] is contents[3]
    assert contents[0] != contents[2]


@pytest.mark.slow
def test_the_folder_works_in_a_browser(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    shown.mkdir()
    for name in ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png.png"):
        cv2.imwrite(str(shown / name), np.full((60, 90, 3), 99, np.uint8))
    with previewing() as make, listening(shown, 0, make) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://{ADDRESS}:{server.server_address[1]}/"
        with browsing(tmp_path / "profile") as tab:
            tab.go(address)
            assert tab.run("document.querySelectorAll('figure').length") == 1
            loaded = "x => ((x.loading = 'eager'), x.decode().then(() => x.naturalWidth))"
            assert tab.run(f"Promise.all([...document.images].map({loaded}))") == [90, 90]
            assert tab.complaints == []
            assert all(asked.startswith((address, "data:")) for asked in tab.requests)
        server.shutdown()
