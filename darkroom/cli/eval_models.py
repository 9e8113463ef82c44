"""What the records of `darkroom eval` say about the models that were run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.inference.engine import TorchEngine
    from darkroom.zoo.card import Card


def facts_of(card: "Card", engine: "TorchEngine") -> dict[str, object]:
    """Return what a model is and where it ran."""
    from darkroom.inference.devices import gpus

    return {
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "network": card.network,
        "device": f"{engine.device} {engine.precision}",
        "gpu": gpus()[0].name if engine.device.startswith("cuda") else None,
    }
