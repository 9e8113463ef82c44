"""Recipe: a checkpoint of another program -> a model of ours."""

import hashlib
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from darkroom.errors import EnvironmentProblem, UsageProblem
from darkroom.publish import check_free, publish
from darkroom.zoo.card import Card
from darkroom.zoo.find import SUFFIX, available, folders, is_model_name

NOT_STATED = "not stated; see where the checkpoint comes from"
ODD = re.compile(r"[^a-z0-9_-]+")
ENDINGS = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5}|ckpt|ckp|pth|pt|bin|safetensors)$")

TryOut = Callable[[Path], object]


@dataclass(frozen=True)
class AdoptSettings:
    """How to import a checkpoint.

    Attributes:
        name: what to call the model; "" takes the file's own name.
        folder: where to put it; None for the folder that is searched first.
        licence: terms of the weights.
        overwrite: replace a model of that name there.
    """

    name: str = ""
    folder: Path | None = None
    licence: str = NOT_STATED
    overwrite: bool = False


@dataclass(frozen=True)
class Adopted:
    """A model that was imported: its card, its file, and whose names its tensors had."""

    card: Card
    path: Path
    layout: str


def adopt(source: Path, settings: AdoptSettings, try_out: TryOut | None = None) -> Adopted:
    """Read a checkpoint apart, recognise its network, try it, and keep it as a model.

    Args:
        source: the checkpoint.
        settings: how.
        try_out: is given the model's file before it gets its name, and raises if it is no good.

    Raises:
        EnvironmentProblem: the checkpoint cannot be read or holds no network known here.
        UsageProblem: the name is none, or is taken.
        FileProblem: the model cannot be written.
    """
    # Here and no sooner: names are settled without torch.
    from darkroom.zoo.foreign.apart import read_checkpoint  # noqa: PLC0415
    from darkroom.zoo.foreign.layouts import recognised  # noqa: PLC0415
    from darkroom.zoo.foreign.own import as_model  # noqa: PLC0415
    from darkroom.zoo.weights import save_weights  # noqa: PLC0415

    target = target_of(source, settings)
    tensors = read_checkpoint(source)
    found = recognised(tensors)
    if found is None:
        raise EnvironmentProblem(f"{source} holds no network known here")
    card, network = as_model(
        found,
        target.name.removesuffix(SUFFIX),
        licence=settings.licence,
        recipe={"imported": origin(source, found.layout)},
    )
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, target.name)
        card = save_weights(trial, card, network)
        if try_out:
            try_out(trial)
        content = trial.read_bytes()
    publish(target, lambda file: file.write(content), overwrite=settings.overwrite)
    return Adopted(card, target, found.layout)


def target_of(source: Path, settings: AdoptSettings) -> Path:
    """Return the file to write, refusing names that are none, or that mean another model."""
    name = settings.name or name_from(source)
    if not is_model_name(name):
        raise UsageProblem(
            f"{name!r} is no name for a model: a-z, 0-9 and single . _ - only, 64 characters at"
            " most; choose one with --name"
        )
    target = (settings.folder or next(folders())) / f"{name}{SUFFIX}"
    check_free(target, overwrite=settings.overwrite)
    other = None if settings.folder else available().get(name)
    if other and other.resolve() != target.resolve():
        raise UsageProblem(f"{name} is another model already, {other}; choose one with --name")
    return target


def name_from(source: Path) -> str:
    """Return a model's name made of a file's.

    >>> name_from(Path("Checkpoint Sony (e4000).pth")), name_from(Path("model.ckpt.index"))
    ('checkpoint-sony-e4000', 'model')
    """
    name = source.name.lower()
    while (shorter := ENDINGS.sub("", name)) != name:
        name = shorter
    return ODD.sub("-", name).strip("-_")[:64]


def origin(source: Path, layout: str) -> dict[str, object]:
    """Return what the card says about where the weights come from."""
    facts: dict[str, object] = {"file": source.name, "layout": layout}
    if source.is_file():
        with source.open("rb") as file:
            facts["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    return facts
