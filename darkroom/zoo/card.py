"""The card of a model: everything one must know to use its weights, kept inside their file."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import EnvironmentProblem

# A card comes from a file: what it says is bounded, so that it cannot ask for endless layers.
Count = Annotated[int, Field(ge=0, le=1024)]
Counts = Annotated[list[Annotated[int, Field(ge=0, le=64)]], Field(max_length=8)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class Card(BaseModel):
    """What a model is, what it takes, what it gives and where it comes from.

    Attributes:
        name: the model's name; `version` counts its trainings.
        task: what it is for.
        network: name in `networks.NETWORKS`; `config` are its arguments.
        input_space: planes R G B G2, white-balanced or as the sensor saw them.
        output_space: white-balanced linear camera RGB, or finished sRGB.
        noise_map: whether the network is told the noise level.
        clip: whether the amplified planes must be clipped to 0..1 (as SID does).
        halo: packed pixels that one output pixel may look at in each direction.
        multiple_of: packed sizes and tile origins must divide by this.
        data: what it was trained on; `recipe` is how.
        licence: terms of the weights.
        scores: measurements, each with its protocol in its name.
        sha256: digest of the rest of the card and of the tensors.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["1"] = "1"
    name: Name
    version: str = "1"
    task: Literal["enhance"] = "enhance"
    network: str
    config: dict[str, bool | Count | Counts] = {}
    input_space: Literal["balanced-planes", "planes"] = "balanced-planes"
    output_space: Literal["camera-linear", "srgb"] = "camera-linear"
    noise_map: bool = True
    clip: bool = False
    halo: int = Field(ge=0, le=8192)
    multiple_of: int = Field(ge=1, le=1024)
    data: str = ""
    recipe: dict[str, Any] = {}
    licence: str = ""
    scores: dict[str, float] = {}
    sha256: str = ""

    def to_header(self) -> dict[str, str]:
        """Return the card as safetensors metadata, whose values are all strings."""
        return {key: json.dumps(value, sort_keys=True) for key, value in self.model_dump().items()}


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
