"""What the records of `darkroom eval` say about the models that were run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from darkroom.inference.engine import Engine
    from darkroom.zoo.card import Card


def facts_of(card: "Card", engine: "Engine") -> dict[str, object]:
    """Return what a model is and where it ran."""
    return {
        "model": card.name,
        "version": card.version,
        "sha256": card.sha256,
        "network": card.network,
        "engine": engine.name,
        "device": f"{engine.device} {engine.precision}",
        "gpu": _gpu() if engine.device.startswith("cuda") else None,
    }


def _gpu() -> str:
    from darkroom.inference.devices import gpus

    return gpus()[0].name
