import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.inference.engine import AUTO, EngineChoice
from darkroom.inference.graph import read_graph
from darkroom.networks import NETWORKS
from darkroom.zoo import engines
from darkroom.zoo.card import Card
from darkroom.zoo.contents import read_contents
from darkroom.zoo.engines import cached, engine_for, graph_for
from darkroom.zoo.weights import save_weights

NOISE = np.full(8, 1e-3, np.float32)
PLANES = np.random.default_rng(0).random((4, 20, 30), np.float32)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "graphs"
    monkeypatch.setenv("DARKROOM_CACHE", str(folder))
    return folder


def test_both_engines_give_the_same_picture(tiny: Path) -> None:
    contents = read_contents(tiny)
    ours, reference = (
        engine_for(contents, EngineChoice("cpu", name, "fp32")) for name in ("openvino", "torch")
    )
    assert (ours.name, reference.name) == ("openvino", "torch")
    expected = reference.run(PLANES, NOISE)
    assert np.abs(ours.run(PLANES, NOISE) - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_network_is_converted_once(
    tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = read_contents(tiny)
    first = graph_for(contents)
    assert [path.name for path in cache.iterdir()] == [cached(contents.card).name]

    def convert_again(*_: object) -> None:
        raise AssertionError("converted twice")

    monkeypatch.setattr(engines, "converted", convert_again)
    assert graph_for(contents) == first


@pytest.mark.parametrize("damage", [b"", b"nothing", None])
def test_a_damaged_copy_is_made_again(tiny: Path, cache: Path, damage: bytes | None) -> None:
    contents = read_contents(tiny)
    graph_for(contents)
    path = cached(contents.card)
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    assert read_graph(path) is None
    assert graph_for(contents) == read_graph(path)


def test_a_cache_that_cannot_be_written_is_done_without(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("no folder")
    monkeypatch.setenv("DARKROOM_CACHE", str(occupied))
    assert engine_for(read_contents(tiny), AUTO).run(PLANES, NOISE).shape == (3, 40, 60)
    assert occupied.read_text() == "no folder"


def test_other_code_or_other_weights_are_another_copy(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = read_contents(tiny).card
    path = cached(card)
    assert cached(replace(card, sha256="0" * 64)) != path
    monkeypatch.setattr(engines, "code_digest", lambda: "f" * 64)
    assert cached(card) != path


def test_weights_that_do_not_fit_are_refused(tiny: Path, cache: Path) -> None:
    contents = read_contents(tiny)
    card = replace(contents.card, config={"width": 3}, sha256="1" * 64)
    with pytest.raises(EnvironmentProblem, match="do not fit"):
        engine_for(type(contents)(card, contents.blob, contents.tensors), AUTO)
    assert not cache.exists()


def test_a_converted_network_runs_without_torch(tiny: Path, cache: Path) -> None:
    graph_for(read_contents(tiny))
    script = (
        "import sys, numpy as np; from pathlib import Path;"
        "from darkroom.zoo.contents import read_contents;"
        "from darkroom.zoo.engines import engine_for;"
        "from darkroom.inference.engine import EngineChoice;"
        "engine = engine_for(read_contents(Path(sys.argv[1])), EngineChoice('cpu'));"
        "engine.run(np.ones((4, 16, 16), np.float32), np.ones(8, np.float32));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(tiny)], check=True)


def test_int8_has_a_copy_of_its_own_beside_the_other(
    tiny: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = read_contents(tiny)
    engine = engine_for(contents, EngineChoice("cpu", precision="int8"))
    assert engine.precision == "int8"
    assert engine.run(PLANES, NOISE).shape == (3, 40, 60)
    assert graph_for(contents, "fp32") != graph_for(contents, "int8")
    names = {cached(contents.card).name, cached(contents.card, is_quantised=True).name}
    assert {path.name for path in cache.iterdir()} == names
    assert len([name for name in names if name.endswith(".int8.graph")]) == 1

    def quantise_again(*_: object) -> None:
        raise AssertionError("quantised twice")

    monkeypatch.setattr(engines, "in_int8", quantise_again)
    assert graph_for(contents, "int8").is_quantised
    assert not graph_for(contents, "bf16").is_quantised


def test_int8_is_made_the_same_every_time(tiny: Path, cache: Path) -> None:
    contents = read_contents(tiny)
    first = graph_for(contents, "int8")
    cached(contents.card, is_quantised=True).unlink()
    assert graph_for(contents, "int8") == first


def test_all_that_makes_a_graph_counts() -> None:
    met, left = set[Path](), [engines.PACKAGE / "inference" / "conversion.py"]
    while left:
        path = left.pop()
        met.add(path)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        made_of = [name for name in names if name and name.startswith("darkroom.inference.")]
        files = {engines.PACKAGE.parent / f"{name.replace('.', '/')}.py" for name in made_of}
        left += files - met
    assert met <= set(engines.sources())


def test_other_frames_or_other_rounding_are_another_copy(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert all((engines.PACKAGE / path).is_file() for path in engines.INT8_SOURCES)
    card = read_contents(tiny).card
    path = cached(card, is_quantised=True)
    monkeypatch.setattr(engines, "int8_digest", lambda: "f" * 64)
    assert cached(card, is_quantised=True) != path


def test_int8_of_a_model_without_convolutions_is_refused(cache: Path, tmp_path: Path) -> None:
    path, built = tmp_path / "table.safetensors", NETWORKS["l3"](levels=2, contrasts=1)
    card = Card(
        name="table",
        task="colorize",
        network="l3",
        config={"levels": 2, "contrasts": 1},
        input_space="nir",
        output_space="srgb",
        halo=2,
        multiple_of=1,
    )
    save_weights(path, card, built)
    with pytest.raises(UsageProblem, match="int8"):
        engine_for(read_contents(path), EngineChoice("cpu", precision="int8"))


def test_a_quantised_network_runs_without_torch(tiny: Path, cache: Path) -> None:
    graph_for(read_contents(tiny), "int8")
    script = (
        "import sys, numpy as np; from pathlib import Path;"
        "from darkroom.zoo.contents import read_contents;"
        "from darkroom.zoo.engines import engine_for;"
        "from darkroom.inference.engine import EngineChoice;"
        "choice = EngineChoice('cpu', precision='int8');"
        "engine = engine_for(read_contents(Path(sys.argv[1])), choice);"
        "engine.run(np.ones((4, 16, 16), np.float32), np.ones(8, np.float32));"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, str(tiny)], check=True)
