"""The card of a model: everything one must know to use its weights, kept inside their file."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import EnvironmentProblem, UsageProblem

# A card comes from a file: what it says is bounded, so that it cannot ask for endless layers.
Count = Annotated[int, Field(ge=0, le=1024)]
Counts = Annotated[list[Annotated[int, Field(ge=0, le=64)]], Field(max_length=8)]
Task = Literal["enhance", "colorize"]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]

LATER = frozenset({"working_side"})
TASKS: dict[Task, str] = {
    "enhance": "brightens RAW files; use it with `darkroom enhance`",
    "colorize": "works on near-infrared pictures; use it with `darkroom colorize`",
}


class Card(BaseModel):
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["1"] = "1"
    name: Name
    version: str = "1"
    task: Task = "enhance"
    network: str
    config: dict[str, bool | Count | Counts] = {}
    input_space: Literal["balanced-planes", "planes", "nir", "srgb"] = "balanced-planes"
    output_space: Literal["camera-linear", "srgb", "nir", "raw-planes"] = "camera-linear"
    noise_map: bool = True
    clip: bool = False
    halo: int = Field(ge=0, le=8192)
    multiple_of: int = Field(ge=1, le=1024)
    working_side: int = Field(0, ge=0, le=16384)
    data: str = ""
    recipe: dict[str, Any] = {}
    licence: str = ""
    scores: dict[str, float] = {}
    sha256: str = ""

    def to_header(self) -> dict[str, str]:
        """Return the card as safetensors metadata, whose values are all strings.

        What cards got later is left out where it says nothing, so that older files stay as valid.
        """
        facts = {
            key: value for key, value in self.model_dump().items() if value or key not in LATER
        }
        return {key: json.dumps(value, sort_keys=True) for key, value in facts.items()}


def card_from_header(header: dict[str, str], source: str) -> Card:
    """Read a card from safetensors metadata, which must be written as `to_header` writes it.

    Raises:
        EnvironmentProblem: the metadata is no card of ours.
    """
    try:
        card = Card.model_validate({key: json.loads(value) for key, value in header.items()})
    except (ValidationError, ValueError, RecursionError):
        raise EnvironmentProblem(
            f"{source} holds no darkroom card; use weights made by `darkroom train`"
        ) from None
    if card.to_header() != header:  # the digest covers the card, so only one spelling may pass
        raise EnvironmentProblem(f"{source} has a damaged card; get the file again")
    return card


def check_task(card: Card, task: Task) -> None:
    """Refuse a model that is for something else.

    Raises:
        UsageProblem: it is.
    """
    if card.task != task:
        raise UsageProblem(f"{card.name} {TASKS[card.task]}")
