"""A model as an ONNX file, which says what it takes and gives."""

import json
from pathlib import Path

from darkroom.publish import check_free, publish
from darkroom.zoo.card import Card
from darkroom.zoo.contents import read_contents
from darkroom.zoo.engines import CHANNELS
from darkroom.zoo.find import locate


def export_onnx(model: str, target: Path, *, overwrite: bool = False) -> Card:
    """Write a model, given by name or by path, as an ONNX file; return its card.

    Raises:
        EnvironmentProblem: there is no such model, it is damaged, or the library onnx is missing.
        UsageProblem: the file exists already, and is not to be replaced.
        FileProblem: it cannot be written.
    """
    check_free(target, overwrite=overwrite)
    contents = read_contents(locate(model))
    # Here and no sooner: names are settled without torch.
    from darkroom.inference.onnx_export import exported  # noqa: PLC0415
    from darkroom.zoo.weights import build_network, weights_of  # noqa: PLC0415

    card = contents.card
    network = build_network(weights_of(contents), device="cpu")
    content = exported(network, channels=CHANNELS[card.input_space], facts=facts_of(card))
    publish(target, lambda file: file.write(content), overwrite=overwrite)
    return card


def facts_of(card: Card) -> dict[str, str]:
    """Return what an ONNX file says of its model: the card, words as they are, the rest as JSON."""
    facts = {}
    for name, text in card.to_header().items():
        value = json.loads(text)
        facts[f"darkroom.{name}"] = value if isinstance(value, str) else text
    return facts
