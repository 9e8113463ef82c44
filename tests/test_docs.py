"""The documents say what is true: commands, options, links, settings, and no private addresses."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from darkroom.cli import app
from darkroom.learning.config import TrainConfig

ROOT = Path(__file__).parents[1]
GUIDES = [ROOT / "README.md", ROOT / "examples" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
PAGES = sorted({*GUIDES, *ROOT.glob("*.md"), *ROOT.glob("models/*.md")})

HELP = {"-h", "--help"}
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND_LINE = re.compile(r"(?:^|[|;&]|Example:|\$)\s*(darkroom \S.*)$", re.MULTILINE)
END_OF_COMMAND = re.compile(r" (?:\||\|\||&&|;|>|2>|<) ?")
LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

# Put together, so that this file does not hold what it looks for.
HOSTS = ("pypi" + ".org", "pythonhosted" + ".org", "download.pytorch" + ".org")
PRIVATE = (*HOSTS, "--index" + "-url", "--find" + "-links")
MACHINE_PATH = re.compile(r"(?<![\w.~$}-])/(?:work|root|home|Users|mnt|tmp)/\w")
TEXTS = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".sh", ""}
FOLDERS = ("darkroom", "tests", "docs", "examples", "benchmarks", "models", ".ci")


def commands_in(markdown: str) -> Iterator[str]:
    """Yield every `darkroom …` command of a page, from code blocks and from code in a sentence."""
    for block in FENCE.findall(markdown):
        for line in COMMAND_LINE.findall(block.replace("\\\n", " ")):
            yield END_OF_COMMAND.split(line)[0]
    yield from (s for s in SPAN.findall(FENCE.sub("", markdown)) if s.startswith("darkroom "))


def itself(command: Any) -> Any:
    """Return a command as it is once it is asked for."""
    return command.make_context("", [], resilient_parsing=True).command


def options_of(command: Any) -> set[str]:
    """Return the options a command knows."""
    every = ((*parameter.opts, *parameter.secondary_opts) for parameter in command.params)
    return {name for names in every for name in names} | HELP


def is_option(word: str, known: set[str]) -> bool:
    """Whether a word of a command line is a known option, also as --name=value or as -qv."""
    if word.startswith("--"):
        return word.partition("=")[0] in known
    return word in known or all(f"-{letter}" in known for letter in word[1:])


def faults(line: str) -> list[str]:
    """Return what in a command line darkroom would not understand."""
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    while words and getattr(command, "commands", None) and not words[0].startswith("-"):
        name = words.pop(0)
        if name in {"…", "..."}:
            return []
        if name not in command.commands:
            return [f"no command {name}"]
        command = itself(command.commands[name])
    known = options_of(command)
    return [
        f"no option {word}"
        for word in words
        if word.startswith("-") and word != "-" and not is_option(word, known)
    ]


def all_options() -> set[str]:
    """Return the options of all commands together."""

    def walk(command: Any) -> Iterator[str]:
        yield from options_of(command)
        for below in getattr(command, "commands", {}).values():
            yield from walk(itself(below))

    return set(walk(typer.main.get_command(app)))


def anchors(markdown: str) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    plain = (re.sub(r"[^\w\- ]", "", heading).strip() for heading in HEADING.findall(markdown))
    return {heading.lower().replace(" ", "-") for heading in plain}


def own_texts() -> Iterator[Path]:
    """Yield the text files of the project."""
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()]
    yield from (p for p in files if p.suffix in TEXTS and "__pycache__" not in p.parts)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_command_is_real(page: Path) -> None:
    lines = list(commands_in(page.read_text(encoding="utf-8")))
    assert [(line, fault) for line in lines for fault in faults(line)] == []


def test_the_readme_shows_how_to_start() -> None:
    lines = " ".join(commands_in((ROOT / "README.md").read_text(encoding="utf-8")))
    assert "darkroom enhance" in lines


@pytest.mark.parametrize("page", GUIDES, ids=name_of)
def test_every_option_in_a_sentence_is_real(page: Path) -> None:
    sentences = FENCE.sub("", page.read_text(encoding="utf-8"))
    named = {span.split()[0].split("=")[0] for span in SPAN.findall(sentences) if span[:2] == "--"}
    assert named <= all_options()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(link)
    assert broken == []


def test_files_named_in_the_contribution_guide_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = {name for name in SPAN.findall(text) if re.fullmatch(r"[\w./-]+\.(py|md|toml)", name)}
    assert len(names) > 10
    assert [name for name in sorted(names) if not (ROOT / name).exists()] == []


def test_functions_named_in_how_it_works_exist() -> None:
    text = (ROOT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    named = re.findall(r"`(darkroom/[\w/]+\.py)::(\w+)`", text)
    assert len(named) >= 7
    for file, function in named:
        code = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(def|class) {function}\b|^{function}\b", code, re.MULTILINE), function


@pytest.mark.parametrize("section", TrainConfig.model_fields)
def test_every_setting_of_training_is_explained_with_its_default(section: str) -> None:
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    table = page.split(f"`[{section}]`\n", 1)[1].split("\n#", 1)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
    model: Any = TrainConfig.model_fields[section].annotation
    assert set(rows) == set(model.model_fields)
    for name, field in model.model_fields.items():
        written = rows[name].strip("`")
        if field.is_required() or field.default is None:
            assert written == ("needed" if field.is_required() else "none")
        else:
            default = list(field.default) if isinstance(field.default, tuple) else field.default
            assert tomllib.loads(f"x = {written}")["x"] == default


def test_no_private_address_is_written_anywhere() -> None:
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in own_texts()}
    assert [(name, a) for name, text in texts.items() for a in PRIVATE if a in text] == []
    assert [(name, MACHINE_PATH.findall(text)) for name, text in texts.items()] == [
        (name, []) for name in texts
    ]


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("darkroom enhance *.ARW --ratio 100 -o out", 0),
        ("darkroom enhance a.ARW -nv --tone=srgb  # look first", 0),
        ("darkroom models show fast-unet --json", 0),
        ("darkroom models …", 0),
        ("darkroom --version", 0),
        ("darkroom develop a.ARW", 1),
        ("darkroom models delete", 1),
        ("darkroom enhance a.ARW --fast --nice", 2),
        ("darkroom models list --ratio 3", 1),
    ],
)
def test_wrong_commands_are_noticed(line: str, count: int) -> None:
    assert len(faults(line)) == count


def test_commands_are_found_on_a_page() -> None:
    page = "Say `darkroom models list`.\n```sh\nfind . | darkroom enhance - \\\n  -0 > log\n```\n"
    assert list(commands_in(page)) == ["darkroom enhance -    -0", "darkroom models list"]


def test_machine_paths_are_noticed() -> None:
    assert MACHINE_PATH.search("open('" + "/home" + "/me/a.png')")
    assert not MACHINE_PATH.search("https://example.com/home/page and ~/tmp/x")
