"""Every layout of tensors that can be imported; a new one is a function and its row here."""

from collections.abc import Callable

from darkroom.zoo.foreign.pmrid import pmrid
from darkroom.zoo.foreign.recognised import Recognised, Tensors
from darkroom.zoo.foreign.sid import sid_unet

LAYOUTS: dict[str, Callable[[Tensors], Recognised | None]] = {"sid": sid_unet, "pmrid": pmrid}


def recognised(tensors: Tensors) -> Recognised | None:
    """Return what a checkpoint's tensors are, None if they are of no network known here.

    Names and shapes decide, never the name of the file.

    Raises:
        EnvironmentProblem: they are for a sensor that is not supported.
    """
    found = (recognise(tensors) for recognise in LAYOUTS.values())
    return next((network for network in found if network), None)
