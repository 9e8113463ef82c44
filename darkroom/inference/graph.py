"""A network as OpenVINO's graph: one self-checking file, so that a later run needs no torch.

The file is a line with the sha256 of what follows, a line of facts as JSON, the graph's XML and its
weights.
It is a copy that can be made again: whatever is wrong with one, it is made anew.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from darkroom.regular_file import open_regular

FORMAT = 1
DIGEST = 65  # characters of the first line, its end included
LONGEST = 4096  # of both lines


@dataclass(frozen=True)
class Graph:
    """A converted network.

    Attributes:
        xml: the graph as OpenVINO's intermediate representation.
        weights: the constants it refers to.
        multiple_of: sizes it takes must divide by this.
        bytes_per_pixel: what it needs for each pixel it takes while it runs in float32.
        is_quantised: whether its convolutions compute in int8.
    """

    xml: bytes
    weights: bytes
    multiple_of: int
    bytes_per_pixel: int
    is_quantised: bool = False


def to_bytes(graph: Graph) -> bytes:
    """Return the file of a graph."""
    facts = {
        "format": FORMAT,
        "xml": len(graph.xml),
        "multiple_of": graph.multiple_of,
        "bytes_per_pixel": graph.bytes_per_pixel,
        "is_quantised": graph.is_quantised,
    }
    content = json.dumps(facts).encode() + b"\n" + graph.xml + graph.weights
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def from_bytes(file: bytes) -> Graph | None:
    """Return the graph of a file, None if it is damaged or of another format."""
    content = memoryview(file)[DIGEST:]
    if file[:DIGEST] != hashlib.sha256(content).hexdigest().encode() + b"\n":
        return None
    line = file[DIGEST:LONGEST].split(b"\n", 1)[0]
    try:
        facts = json.loads(line)
        start, cut = len(line) + 1, len(line) + 1 + facts["xml"]
        if facts["format"] != FORMAT:
            return None
        return Graph(
            bytes(content[start:cut]),
            bytes(content[cut:]),
            facts["multiple_of"],
            facts["bytes_per_pixel"],
            facts["is_quantised"],
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def read_graph(path: Path) -> Graph | None:
    """Return the graph in a file, None if there is none that can be used."""
    try:
        with open_regular(path) as file:
            return from_bytes(file.read())
    except OSError:
        return None
