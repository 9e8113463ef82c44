import hashlib
from pathlib import Path

import pytest

from darkroom.inference.graph import Graph, from_bytes, read_graph, to_bytes

GRAPH = Graph(b"<net/>", b"\x00\x01\n\x02", multiple_of=16, bytes_per_pixel=400)


@pytest.mark.parametrize("is_quantised", [False, True])
def test_a_graph_comes_back(tmp_path: Path, is_quantised: bool) -> None:
    graph = Graph(b"<net/>", b"\x00\x01\n\x02", 16, 400, is_quantised)
    path = tmp_path / "a.graph"
    path.write_bytes(to_bytes(graph))
    assert read_graph(path) == graph


def test_every_damaged_byte_is_noticed() -> None:
    content = to_bytes(GRAPH)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1
        assert from_bytes(bytes(damaged)) is None


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[1]\nxyz", b"\xff" * 5000, b"1\n", b"[" * 4000]
)
def test_what_is_no_graph_is_none(content: bytes) -> None:
    assert from_bytes(content) is None
    digest = hashlib.sha256(content).hexdigest().encode()
    assert from_bytes(digest + b"\n" + content) is None


def test_a_file_that_was_cut_short_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.graph"
    path.write_bytes(to_bytes(GRAPH)[:-1])
    assert read_graph(path) is None
    assert read_graph(tmp_path / "absent.graph") is None
    assert read_graph(tmp_path) is None
