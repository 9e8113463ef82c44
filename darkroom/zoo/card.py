"""The card of a model: everything one must know to use its weights, kept inside their file."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from darkroom.errors import EnvironmentProblem, UsageProblem

Task = Literal["enhance", "colorize"]

# A card comes from a file: what it says is bounded, so that it cannot ask for endless layers.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
LARGEST_SETTING, LARGEST_LISTED, LONGEST_LIST = 1024, 64, 8
RANGES = {"halo": range(8193), "multiple_of": range(1, 1025), "working_side": range(16385)}
CHOICES = {
    "format": ("1",),
    "task": ("enhance", "colorize"),
    "input_space": ("balanced-planes", "planes", "nir", "srgb"),
    "output_space": ("camera-linear", "srgb", "nir", "raw-planes"),
}
TEXTS = ("name", "version", "network", "data", "licence", "sha256")
SWITCHES = ("noise_map", "clip")
LATER = frozenset({"working_side"})
TASKS: dict[Task, str] = {
    "enhance": "brightens RAW files; use it with `darkroom enhance`",
    "colorize": "works on near-infrared pictures; use it with `darkroom colorize`",
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a model is, what it takes, what it gives and where it comes from.

    Attributes:
        name: the model's name; `version` counts its trainings.
        task: what it is for: `check_task` holds a recipe to it.
        network: name in `networks.NETWORKS`; `config` are its arguments.
        input_space: planes R G B G2, white-balanced or as the sensor saw them; or one plane of
            near-infrared light, or the three of an sRGB picture, as their files code them.
        output_space: white-balanced linear camera RGB, finished sRGB, or near-infrared; or the
            mosaic of the very planes it took, which the recipe has to demosaic.
        noise_map: whether the network is told the noise level.
        clip: whether the amplified planes must be clipped to 0..1 (as SID does).
        halo: packed pixels that one output pixel may look at in each direction.
        multiple_of: packed sizes and tile origins must divide by this.
        working_side: longest side of a picture as the network sees it, shrunk if need be; 0: as
            it is, in tiles.
        data: what it was trained on; `recipe` is how.
        licence: terms of the weights.
        scores: measurements, each with its protocol in its name.
        sha256: digest of the rest of the card and of the tensors.

    Raises:
        ValueError: a value is of another type than it says, or beyond all measure.
    """

    format: str = "1"
    name: str
    version: str = "1"
    task: Task = "enhance"
    network: str
    config: dict[str, bool | int | list[int]] = field(default_factory=dict)
    input_space: Literal["balanced-planes", "planes", "nir", "srgb"] = "balanced-planes"
    output_space: Literal["camera-linear", "srgb", "nir", "raw-planes"] = "camera-linear"
    noise_map: bool = True
    clip: bool = False
    halo: int
    multiple_of: int
    working_side: int = 0
    data: str = ""
    recipe: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        for fault in faults(self):
            raise ValueError(f"the {fault} of a card is unusable")

    def to_header(self) -> dict[str, str]:
        """Return the card as safetensors metadata, whose values are all strings.

        What cards got later is left out where it says nothing, so that older files stay as valid.
        """
        facts = {key: value for key, value in asdict(self).items() if value or key not in LATER}
        return {key: json.dumps(value, sort_keys=True) for key, value in facts.items()}


def card_from_header(header: dict[str, str], source: str) -> Card:
    """Read a card from safetensors metadata, which must be written as `to_header` writes it.

    Raises:
        EnvironmentProblem: the metadata is no card of ours.
    """
    try:
        card = Card(**{key: json.loads(value) for key, value in header.items()})
    except (TypeError, ValueError, RecursionError):
        raise EnvironmentProblem(
            f"{source} holds no darkroom card; use weights made by `darkroom train`"
        ) from None
    if card.to_header() != header:  # the digest covers the card, so only one spelling may pass
        raise EnvironmentProblem(f"{source} has a damaged card; get the file again")
    return card


def faults(card: Card) -> Iterator[str]:
    """Yield the fields whose values no card may have."""
    facts = vars(card)
    yield from (name for name in TEXTS if not isinstance(facts[name], str))
    yield from (name for name in SWITCHES if not isinstance(facts[name], bool))
    yield from (name for name, known in CHOICES.items() if facts[name] not in known)
    yield from (name for name, range_ in RANGES.items() if not is_whole(facts[name], range_))
    if isinstance(card.name, str) and not NAME.fullmatch(card.name):
        yield "name"
    for name, is_right in (("config", is_setting), ("recipe", is_anything), ("scores", is_score)):
        if not isinstance(facts[name], dict) or not all(
            isinstance(key, str) and is_right(value) for key, value in facts[name].items()
        ):
            yield name


def is_whole(value: object, allowed: range) -> bool:
    """Whether a value is a whole number in a range; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value in allowed


def is_setting(value: object) -> bool:
    """Whether a value may be an argument of a network."""
    if isinstance(value, list):
        listed = range(LARGEST_LISTED + 1)
        return len(value) <= LONGEST_LIST and all(is_whole(item, listed) for item in value)
    return isinstance(value, bool) or is_whole(value, range(LARGEST_SETTING + 1))


def is_anything(_: object) -> bool:
    """Accept a value."""
    return True


def is_score(value: object) -> bool:
    """Whether a value is a floating-point number."""
    return isinstance(value, float)


def check_task(card: Card, task: Task) -> None:
    """Refuse a model that is for something else.

    Raises:
        UsageProblem: it is.
    """
    if card.task != task:
        raise UsageProblem(f"{card.name} {TASKS[card.task]}")
