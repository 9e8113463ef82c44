"""The house keeps its floors: who may import whom, who owns which library, what stays small."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "darkroom"
MODULES = {
    path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}

# From the top: a room imports only rooms of lower floors, and its own modules.
FLOORS = (
    {"cli"},
    {"report"},
    {"adopt", "calibrate", "colorize", "doctor", "enhance", "evaluate", "simulate", "train"},
    {"batch", "learning"},
    {"zoo"},
    {"inference"},
    {"networks", "camera", "picture", "measure"},
    {"publish"},
    {"errors", "part_file", "part_names", "regular_file"},
)
FLOOR_OF = {room: -level for level, rooms in enumerate(FLOORS) for room in rooms}

# Every library and the rooms that may import it; what is not here needs a home first.
OWNERS = {
    "cv2": {"picture"},
    "dask": {"batch"},
    "distributed": {"batch"},
    "exifread": {"camera"},
    "isal": {"part_file", "picture"},
    "jinja2": {"report"},
    "numpy": set(FLOOR_OF) - {"cli"},
    "onnx": {"inference"},
    "openvino": {"inference"},
    "platformdirs": {"zoo"},
    "pydantic": {"learning"},
    "rawpy": {"camera"},
    "rich": {"report"},
    "safetensors": {"zoo", "learning"},
    "torch": {"networks", "inference", "zoo", "learning"},
    "typer": {"cli"},
    "zstandard": {"picture"},
}
DISTRIBUTIONS = {"opencv-python-headless": "cv2"}  # those not named like their module

UNSAFE_MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__", "torch.load", "os.system", "os.popen"}
UNSAFE_OPTIONS = {"shell", "allow_pickle"}

VAGUE_NAMES = {"utils", "util", "helpers", "common", "misc", "base", "manager", "tools"}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50


def imports_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import, wherever in the file; name is "" for `import x`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((module, alias.name) for alias in node.names)


def rooms_of(tree: ast.Module) -> set[str]:
    """Return the rooms of darkroom that a file imports; the version belongs to no room."""
    rooms = set()
    for module, name in imports_of(tree):
        first, *below = module.split(".")
        if first == "darkroom":
            rooms.add(below[0] if below else name)
    return rooms - {"", "__version__"}


def libraries_of(tree: ast.Module) -> set[str]:
    """Return the libraries a file imports that are neither Python's nor darkroom's."""
    tops = {module.split(".")[0] for module, _ in imports_of(tree)}
    return tops - sys.stdlib_module_names - {"darkroom"}


def room_of(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def in_rooms() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules but for the two at the door, `__init__` and `__main__`."""
    yield from ((path, tree) for path, tree in MODULES.items() if room_of(path) in FLOOR_OF)


def unsafe_in(tree: ast.Module) -> Iterator[str]:
    """Yield what could run code from a file or a name."""
    for module, _ in imports_of(tree):
        if module.split(".")[0] in UNSAFE_MODULES:
            yield f"import {module}"
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) in UNSAFE_CALLS and not is_safe_load(call):
            yield ast.unparse(call.func)
        for option in call.keywords:
            harmless = isinstance(option.value, ast.Constant) and option.value.value is False
            if option.arg in UNSAFE_OPTIONS and not harmless:
                yield f"{option.arg}="


def is_safe_load(call: ast.Call) -> bool:
    """Whether a call is `torch.load`, told in so many words to run nothing."""
    told = {
        option.arg: option.value.value
        for option in call.keywords
        if isinstance(option.value, ast.Constant)
    }
    return ast.unparse(call.func) == "torch.load" and told.get("weights_only") is True


def functions_in(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the name and length of every function; its docstring does not count."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node) is not None
            docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring


def own_test(path: Path) -> Path:
    """Return the file that tests a module; a room's `__init__` is tested under the room's name."""
    name = path.parent.name if path.stem == "__init__" else path.stem
    return Path("tests") / path.parent / f"test_{name}.py"


def test_every_room_stands_on_a_floor() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms == set(FLOOR_OF)


def test_imports_point_down() -> None:
    upward = [
        f"{path} imports {room}"
        for path, tree in in_rooms()
        for room in rooms_of(tree) - {room_of(path)}
        if FLOOR_OF[room] >= FLOOR_OF[room_of(path)]
    ]
    assert upward == []


def test_imports_name_their_room() -> None:
    relative = [
        str(path)
        for path, tree in MODULES.items()
        for module, _ in imports_of(tree)
        if module.startswith(".") or module == "importlib"
    ]
    assert relative == []


def test_the_package_itself_imports_no_room() -> None:
    assert rooms_of(MODULES[Path("__init__.py")]) == set()
    assert rooms_of(MODULES[Path("__main__.py")]) == {"cli"}


def test_every_library_stays_in_its_rooms() -> None:
    astray = [
        f"{path} imports {library}"
        for path, tree in MODULES.items()
        for library in libraries_of(tree)
        if room_of(path) not in OWNERS.get(library, set())
    ]
    assert astray == []


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["cluster"] + extras["onnx"]
    names = [re.split(r"[<>=~! \[]", line)[0] for line in lines]
    imported = set().union(*map(libraries_of, MODULES.values()))
    assert {DISTRIBUTIONS.get(name, name) for name in names} == imported


def test_every_module_has_its_test() -> None:
    untested = [
        str(own_test(path))
        for path, tree in in_rooms()
        if (path.stem != "__init__" or len(tree.body) > 1) and not (ROOT / own_test(path)).exists()
    ]
    assert untested == []


def test_files_are_named_for_what_they_hold() -> None:
    assert [str(path) for path in MODULES if VAGUE_NAMES & set(path.with_suffix("").parts)] == []


def test_files_are_short() -> None:
    lengths = {
        str(path): len((PACKAGE / path).read_text(encoding="utf-8").splitlines())
        for path in MODULES
    }
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    long = [
        f"{path}: {name} has {length} lines"
        for path, tree in MODULES.items()
        for name, length in functions_in(tree)
        if length > LONGEST_FUNCTION
    ]
    assert long == []


def test_nothing_runs_code_from_data() -> None:
    assert [f"{path}: {what}" for path, tree in MODULES.items() for what in unsafe_in(tree)] == []


def test_only_the_report_room_prints() -> None:
    printing = [
        str(path)
        for path, tree in MODULES.items()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "print"
    ]
    assert {room_of(Path(path)) for path in printing} <= {"report"}


def test_imports_are_seen_wherever_they_are() -> None:
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "from darkroom import __version__, batch\n"
        "import darkroom.camera.read\n"
        "if TYPE_CHECKING:\n    from darkroom.zoo.card import Card\n"
        "def late():\n    import torch.nn\n    from darkroom.cli import main\n"
    )
    assert rooms_of(tree) == {"batch", "camera", "zoo", "cli"}
    assert libraries_of(tree) == {"torch"}


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=wanted)",
        "import pickle",
        "from yaml import load",
        "eval(text)",
        "np.load(path, allow_pickle=True)",
        "subprocess.run(line, shell=wanted)",
    ],
)
def test_unsafe_code_is_seen(line: str) -> None:
    assert len(list(unsafe_in(ast.parse(line)))) == 1


def test_safe_code_is_left_alone() -> None:
    assert not list(unsafe_in(ast.parse("network.eval(); re.compile(text); np.load(path)")))
    assert not list(unsafe_in(ast.parse("torch.load(path, weights_only=True)")))


def test_a_docstring_does_not_make_a_function_longer() -> None:
    tree = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n')
    assert list(functions_in(tree)) == [("f", 2)]
